/** What a timer takes: with a longer time Node's fires at once. */
const LONGEST_MS = 2 ** 31 - 1;

/** Acts after so many ms, be they months; does not keep the process alive. */
export function after(ms: number, act: () => void): void {
  const now = Math.min(ms, LONGEST_MS);
  setTimeout(() => (ms > now ? after(ms - now, act) : act()), now).unref();
}
