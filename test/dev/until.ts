import { setTimeout as delay } from 'node:timers/promises';

/** Waits for a state of another process that nothing tells us about; the test's own time-out is the limit. */
export async function until(check: () => Promise<boolean> | boolean): Promise<void> {
  while (!(await check())) await delay(20);
}
