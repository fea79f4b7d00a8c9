import { setMaxListeners } from 'node:events';

/**
 * Ends a long poll of Temporal's. Whoever stops waiting has to abort it: a poll that is left behind finds the
 * connection closed, and crashes on it. Takes any number of listeners, since Temporal's client adds one with
 * each request of a poll and never takes it off.
 */
export function pollEnd(): AbortController {
  const end = new AbortController();
  setMaxListeners(0, end.signal);
  return end;
}
