import { setTimeout as delay } from 'node:timers/promises';
import type { Stack } from '../../src/dev/stack';
import type { Rng } from '../../test/sim/rng';

/** The first worker is spared: memory that grows is seen in a process that lives. */
export const SPARED = 0;

/**
 * Kills workers by SIGKILL at random moments, one after the other; each is replaced before the next dies.
 *
 * @param everyMs - a worker lives so long on average from when all serve
 * @param tell - told of each kill
 */
export async function killWorkers(
  stack: Stack,
  { everyMs, rng, stop, tell }: { everyMs: number; rng: Rng; stop: AbortSignal; tell: () => void },
): Promise<void> {
  const last = stack.workers().length - 1;
  while (!stop.aborted) {
    await delay(2 * everyMs * rng.next(), undefined, { signal: stop }).catch(() => undefined);
    if (stop.aborted) return;
    await stack.killWorker(rng.between(SPARED + 1, last));
    tell();
    await stack.untilWorkersReady();
  }
}
