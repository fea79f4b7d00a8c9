import type { JobErrorCode, Usage } from '../job';

/** What a provider answered in refusing a request: kept beside the record for whoever speaks its protocol. */
export interface ProviderError {
  status: number;
  /** Parsed JSON; null where there was none, or more than is kept. */
  body: unknown;
}

/** What came with an answer; unknown is null. */
export interface AnswerFacts {
  usage: Usage | null;
  cost_usd: number | null;
  model: string | null;
  /** The provider's id of this request, for its support and for the audit. */
  request_id: string | null;
}

/** A usable answer. `result` is JSON; null, '' and [] are results too. */
export interface Answered extends AnswerFacts {
  kind: 'answered';
  result: unknown;
  /** The id under which the provider keeps a copy that `forget` has to delete, where no list would show it. */
  operation?: string;
}

/** An answer that was paid for and can't be used; its raw text is kept. */
export interface BadAnswer extends AnswerFacts {
  kind: 'bad_answer';
  error: {
    code: Extract<JobErrorCode, 'truncated' | 'refused' | 'output_invalid' | 'too_large'>;
    message: string;
  };
  raw: string;
}

/**
 * What became of one attempt to call, by PROTOCOL 4. Each answers: could the provider have accepted a
 * billable request, and is a retry safe.
 */
export type Outcome =
  | Answered
  | BadAnswer
  /** Certainly not executed: release the claim, try again later. */
  | {
      kind: 'not_executed';
      /** A stable word for logs and metrics, e.g. `rate_limited`, `unauthorized`, `unreachable`. */
      reason: string;
      message: string;
      /** The provider's own wish, in ms. */
      retryAfterMs?: number;
      said?: ProviderError;
    }
  /** The provider refused the request for good: FAILED, `billed: no`. */
  | { kind: 'rejected'; message: string; said?: ProviderError }
  /** The provider says that it failed itself: one recovery look-up, then as `not_executed`. */
  | { kind: 'stated_failure'; reason: string; message: string; retryAfterMs?: number; said?: ProviderError }
  /** Nobody can know. `reason` goes to the operator and holds no payload. */
  | { kind: 'unknown'; reason: string };

/** The provider took the call and runs it by itself; `operation` is its id for it. */
export interface Started {
  kind: 'started';
  operation: string;
}

/** What the provider says of a call that it runs by itself. */
export type Polled =
  | Outcome
  /** Not final yet. */
  | { kind: 'running' }
  /** It does not know the id (any more). */
  | { kind: 'gone' };

/** Calls that the provider runs by itself, by the ids that it gave. */
export interface Operations {
  /** Asks once. @throws where the provider can't be asked now; the call goes on */
  poll(operation: string, signal: AbortSignal): Promise<Polled>;
  /** Stops one; one that is final or gone already is left alone. @throws where the provider can't be asked */
  cancel(operation: string): Promise<void>;
}

/** How a call is sent; the values identify it to the provider and to later recovery. */
export interface SendContext {
  /** The job's store key. */
  key: string;
  call_id: string;
  /** `<store_id>/<key>/<generation>`: one logical call for gateways that honour Idempotency-Key. */
  idempotencyKey: string;
  /** Aborted by an explicit cancel, or by a shutdown whose grace is over; by nothing else. */
  signal: AbortSignal;
}

/** An answer that recovery found at the provider. */
export interface FoundAnswer {
  call_id: string;
  outcome: Answered | BadAnswer;
}

/**
 * Asks the provider for answers to calls whose fate is open.
 *
 * @returns what is there, oldest first; empty where nothing is (yet)
 * @throws where the provider can't be asked now; the doubt stays
 */
export type LookUp = (query: {
  key: string;
  callIds: string[];
  signal: AbortSignal;
}) => Promise<FoundAnswer[]>;
