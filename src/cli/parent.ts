/** Longer than a worker needs to give its calls up and say so. */
const LEAVE_AFTER_GRACE_MS = 20_000;

/**
 * Aborts when the process that started this one, with an IPC channel, has died.
 *
 * @param graceMs - how long this one may take to end by itself
 */
export function parentIsGone(graceMs: number): AbortSignal {
  const gone = new AbortController();
  process.on('disconnect', () => {
    gone.abort();
    // its Temporal server died with it: nobody is left to say goodbye to
    setTimeout(() => process.exit(1), graceMs + LEAVE_AFTER_GRACE_MS).unref();
  });
  // the channel alone is no reason to live on
  process.channel?.unref();
  return gone.signal;
}
