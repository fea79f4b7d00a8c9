import type { Outcome } from '../once/outcome';
import type { Fault } from './fault';
import { readRetryAfter } from './retry-after';

/** A fault's outcome: never an answer. */
export type FaultOutcome = Exclude<Outcome, { kind: 'answered' | 'bad_answer' }>;

/** What the table needs to know beside the fault. */
export interface ClassifyContext {
  /** True only where the base URL's host is api.openai.com: only its 500 and 503 are taken at their word. */
  openaiApi: boolean;
  /** Wall clock in ms, for a `Retry-After` that is a date. */
  now: number;
}

/**
 * The outcome table: what a failed request means for the bill. Each row answers whether the provider
 * could have accepted a billable request; what is not certain is `unknown`.
 *
 * A stated failure and every "not executed" that carries a status rest on the provider's word.
 */
export function classifyFault(fault: Fault, context: ClassifyContext): FaultOutcome {
  switch (fault.phase) {
    case 'unsent':
      return {
        kind: 'not_executed',
        reason: 'unsendable',
        message: `The request could not be sent (${lastCode(fault)}).`,
      };
    case 'connect':
      return {
        kind: 'not_executed',
        reason: 'unreachable',
        message: `No connection to the provider (${lastCode(fault)}).`,
      };
    case 'sent':
      return {
        kind: 'unknown',
        reason: `the connection failed after the request was sent (${lastCode(fault)})`,
      };
    case 'response':
      return classifyStatus(fault, fault.status ?? 0, context);
  }
}

function classifyStatus(fault: Fault, status: number, { openaiApi, now }: ClassifyContext): FaultOutcome {
  const error = providerError(fault.body);
  const said = `status ${[status, error && describeError(error)].filter(Boolean).join(', ')}`;
  const retryAfterMs = readRetryAfter(fault.headers ?? {}, now);
  const later = (reason: string, message: string): FaultOutcome => ({
    kind: 'not_executed',
    reason,
    message,
    retryAfterMs,
  });

  if (status >= 200 && status < 300) return { kind: 'unknown', reason: `the answer can't be read (${said})` };
  if (status === 429 && error) {
    return error.code === 'insufficient_quota'
      ? later('insufficient_quota', `The account's quota is used up (${said}).`)
      : later('rate_limited', `The provider limits the rate (${said}).`);
  }
  if (status === 401) return later('unauthorized', `The provider does not accept the API key (${said}).`);
  if (status === 403) return later('forbidden', `The provider denies access (${said}).`);
  // 408: the provider gave up waiting, on something it may have begun. 409: a conflict with a request in
  // flight, which may be ours. 429 without the provider's body: some gateway's, after an unknown upstream.
  if (status >= 400 && status < 500 && status !== 408 && status !== 409 && status !== 429) {
    return { kind: 'rejected', message: `The provider refused the request (${said}).` };
  }
  if ((status === 500 || status === 503) && error && openaiApi) {
    return {
      kind: 'stated_failure',
      reason: 'provider_failed',
      message: `The provider failed (${said}).`,
      retryAfterMs,
    };
  }
  return { kind: 'unknown', reason: `the provider answered ${said}` };
}

interface ProviderError {
  type?: unknown;
  code?: unknown;
  param?: unknown;
}

/** The provider's own error body: `{error: {…}}`. A gateway's HTML page or bare text is none. */
function providerError(body: unknown): ProviderError | null {
  const error = (body as { error?: unknown } | null | undefined)?.error;
  return typeof error === 'object' && error !== null && !Array.isArray(error) ? error : null;
}

/**
 * Type, code and parameter, never the provider's message: that one may quote the key ("Incorrect API key
 * provided: …") or a part of the prompt, and these texts go to logs and records. What does not look like a
 * plain word is left out for the same reason.
 */
function describeError({ type, code, param }: ProviderError): string {
  const words = [
    ['type', type],
    ['code', code],
    ['param', param],
  ];
  return words
    .filter(([, word]) => typeof word === 'string' && /^[\w.[\]-]{1,64}$/.test(word))
    .map(([name, word]) => `${name} ${word}`)
    .join(', ');
}

/** The innermost code says most: `ECONNREFUSED` under `fetch failed` under `Connection error`. */
function lastCode({ causeCodes }: Fault): string {
  return causeCodes.at(-1) ?? 'no code';
}
