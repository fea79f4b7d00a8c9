import { setTimeout as delay } from 'node:timers/promises';
import type { Running } from '../contestants/contestant';
import { cpuMs } from './processes';

const WINDOW_MS = 1_000;
const IDLE_SHARE = 0.1;
const LIMIT_MS = 15_000;

/**
 * Waits until a contestant's worker and servers have done what the jobs left them to do: under a tenth of one
 * processor for a second. After 15 s it goes on all the same, and at once where /proc is not.
 */
export async function untilIdle({ worker, servers }: Pick<Running, 'worker' | 'servers'>): Promise<void> {
  const pids = [...(worker ? [worker.pid()] : []), ...servers];
  const end = performance.now() + LIMIT_MS;
  while (performance.now() < end) {
    const before = cpuMs(pids);
    if (before === null) return;
    const began = performance.now();
    await delay(WINDOW_MS);
    if (cpuMs(pids)! - before < IDLE_SHARE * (performance.now() - began)) return;
  }
}
