import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';

/** Reads a request's whole body as JSON; undefined where it isn't JSON. */
export async function readJsonBody(request: IncomingMessage): Promise<unknown> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  try {
    return JSON.parse(Buffer.concat(parts).toString('utf8'));
  } catch {
    return undefined;
  }
}

/** Sends a body as it is given if it is text, else as JSON. A caller that has gone is not an error. */
export function sendBody(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): void {
  const isText = typeof body === 'string';
  response.writeHead(status, { ...(isText ? TEXT : JSON_TYPE), ...headers });
  response.end(isText ? body : JSON.stringify(body));
}

/** Sends the first half of a JSON body under the whole one's length, then resets the connection. */
export function sendHalf(response: ServerResponse, body: unknown): void {
  const whole = Buffer.from(JSON.stringify(body));
  response.writeHead(200, { ...JSON_TYPE, 'content-length': String(whole.length) });
  response.write(whole.subarray(0, Math.floor(whole.length / 2)), () => resetConnection(response));
}

/** Closes the connection with a TCP reset, as a crashing proxy does. */
export function resetConnection(response: ServerResponse): void {
  response.socket?.resetAndDestroy();
}

/** An error in the provider's shape, with the type and code that it gives this status. */
export function errorBody(status: number, message?: string, code?: string): object {
  const [type, usualCode] = ERRORS[status] ?? [
    status >= 500 ? 'server_error' : 'invalid_request_error',
    null,
  ];
  const text = message ?? `The offline model was told to answer ${status}.`;
  return { error: { message: text, type, param: null, code: code ?? usualCode } };
}

/** A request id as the provider makes one. */
export function makeRequestId(): string {
  return `req_${randomBytes(16).toString('hex')}`;
}

const JSON_TYPE = { 'content-type': 'application/json' };
const TEXT = { 'content-type': 'text/plain; charset=utf-8' };

const ERRORS: Record<number, [type: string, code: string | null]> = {
  401: ['invalid_request_error', 'invalid_api_key'],
  404: ['invalid_request_error', 'not_found'],
  429: ['requests', 'rate_limit_exceeded'],
};
