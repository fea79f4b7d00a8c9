import { APIError } from 'openai';
import { errorChain, isConnectFailure } from './wire';

/** How far a request came before it failed. */
export type FaultPhase =
  /** Never handed to the network. */
  | 'unsent'
  /** No connection came about, TLS included: not one byte of the request was written. */
  | 'connect'
  /** Handed to a connection; whether it was written, read or executed is not known. */
  | 'sent'
  /** A status line came back. */
  | 'response';

/** What is known of a failed request, without the SDK's classes: the input of the outcome table. */
export interface Fault {
  phase: FaultPhase;
  status?: number;
  /** Names in lower case. */
  headers?: Record<string, string>;
  /** The error body as parsed JSON, where it was JSON with a member `error`. */
  body?: unknown;
  /** Codes (else names) of the error and its causes, outermost first. */
  causeCodes: string[];
}

/**
 * Makes a {@link Fault} of whatever the SDK threw.
 *
 * Error codes alone don't tell in which phase they arose; what was seen below the SDK does.
 *
 * @param wasDispatched - whether the request was handed to the network
 */
export function toFault(error: unknown, wasDispatched: boolean): Fault {
  const causeCodes = readCauseCodes(error);
  if (error instanceof APIError && typeof error.status === 'number') {
    return {
      phase: 'response',
      status: error.status,
      headers: Object.fromEntries(error.headers ?? []),
      // The SDK keeps the inner object alone.
      body: error.error === undefined ? undefined : { error: error.error },
      causeCodes,
    };
  }
  if (!wasDispatched) return { phase: 'unsent', causeCodes };
  return { phase: isConnectFailure(error) ? 'connect' : 'sent', causeCodes };
}

/** Codes (else names) of an error and its causes, outermost first; no messages. */
export function readCauseCodes(error: unknown): string[] {
  return errorChain(error).map(readCode);
}

function readCode(error: object): string {
  const { code, name } = error as { code?: unknown; name?: unknown };
  return typeof code === 'string' ? code : String(name ?? 'Error');
}
