import { setTimeout as delay } from 'node:timers/promises';
import { UnreachableError } from '../errors';
import { type Answer, isAway, type Wire } from './wire';

/** How long nobody waits for a gateway that has been there and is away: as long as one takes to be replaced. */
export const PATIENCE_MS = 60_000;

const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 5_000;
const LONGEST_RETRY_AFTER_MS = 60_000;
const TOO_MANY = 429;

/** How to wait for a gateway that is away. */
export interface Patience {
  /** How long it may be away in one piece; 0 = not at all. */
  patienceMs: number;
  signal?: AbortSignal;
}

/**
 * Sends until the gateway has answered: past a broken connection and a 503, where it has been there before, and
 * past a key's limit (429), for which nothing was done. Only for what counts once however often it is sent.
 *
 * @returns the last answer, which may still be a 503
 * @throws UnreachableError where it stays away, also where the signal aborts meanwhile; else the signal's reason
 */
export async function patiently(
  wire: Wire,
  send: () => Promise<Answer>,
  { patienceMs, signal }: Patience,
): Promise<Answer> {
  let since: number | null = null;
  for (let tries = 0; ; tries += 1) {
    const met = await send().catch((error: unknown) => {
      if (error instanceof UnreachableError) return error;
      throw error;
    });
    const isOut = met instanceof UnreachableError || isAway(met);
    if (!isOut && met.status !== TOO_MANY) return met;
    since = isOut ? (since ?? performance.now()) : null;
    const isOver = since !== null && (!wire.hasAnswered || performance.now() - since >= patienceMs);
    if (isOver || !(await pause(met, tries, signal))) {
      if (met instanceof UnreachableError) throw met;
      if (isOut || !signal?.aborted) return met;
      throw signal.reason;
    }
  }
}

/** @returns false where the signal aborted first */
async function pause(
  met: Answer | UnreachableError,
  tries: number,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const own = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(tries, 10));
  const said = met instanceof UnreachableError ? null : met.retryAfterMs;
  // many who were refused at once do not come back at once
  const ms = Math.min(said ?? own, LONGEST_RETRY_AFTER_MS) * (1 + Math.random() / 4);
  await delay(ms, undefined, { signal }).catch(() => undefined);
  return !signal?.aborted;
}
