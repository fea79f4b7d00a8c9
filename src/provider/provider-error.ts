import type { Outcome, ProviderError } from '../once/outcome';

/** An error body is a sentence or two; one that quotes a whole prompt is not kept. */
const LONGEST_BODY = 16 * 1024;

/**
 * The outcome with what the provider said, where it refused the request or failed: who speaks the provider's
 * protocol to the caller answers with it. It may quote the prompt, and so goes to no log and no message.
 *
 * @param said - the answer's status and body; without a status there was none
 */
export function withProviderError<T extends Outcome>(
  outcome: T,
  said: { status?: number; body?: unknown },
): T {
  const isRefusal = ['rejected', 'not_executed', 'stated_failure'].includes(outcome.kind);
  if (!isRefusal || said.status === undefined) return outcome;
  const kept: ProviderError = { status: said.status, body: shortBody(said.body) };
  return { ...outcome, said: kept };
}

function shortBody(body: unknown): unknown {
  const json = JSON.stringify(body ?? null);
  return Buffer.byteLength(json) <= LONGEST_BODY ? JSON.parse(json) : null;
}
