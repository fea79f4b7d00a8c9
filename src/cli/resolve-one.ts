import { setTimeout as delay } from 'node:timers/promises';
import { UnreachableError } from '../errors';

const NO_WORKER_AFTER_MS = 30_000;

/**
 * A decision is written by a worker; without one it would wait for ever.
 *
 * @throws UnreachableError where none takes it up
 */
export async function withinReach<T>(jobId: string, decision: Promise<T>): Promise<T> {
  const over = new AbortController();
  const limit = delay(NO_WORKER_AFTER_MS, undefined, { signal: over.signal, ref: true }).then(() => {
    throw new UnreachableError(
      'worker',
      `No worker took up the decision on job ${jobId} within ${NO_WORKER_AFTER_MS / 1000} s; start one (infer-once worker), look at the job again, then decide.`,
    );
  });
  try {
    return await Promise.race([decision, limit]);
  } finally {
    over.abort();
    limit.catch(() => undefined);
    decision.catch(() => undefined);
  }
}
