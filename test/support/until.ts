import { setTimeout as delay } from 'node:timers/promises';

/**
 * Waits for a state: looks until `look` gives something true, and returns it. The pause between two looks
 * is no part of any promise; a state that never comes fails with its name.
 */
export async function until<T>(
  what: string,
  look: () => Promise<T | false | null | undefined> | T | false | null | undefined,
  timeoutMs = 30_000,
): Promise<T> {
  const end = performance.now() + timeoutMs;
  for (;;) {
    const seen = await look();
    if (seen) return seen;
    if (performance.now() > end) throw new Error(`never came: ${what}`);
    await delay(25);
  }
}
