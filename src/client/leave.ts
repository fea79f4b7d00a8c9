import type { WaitOptions } from './types';

/** When a caller has waited long enough. */
export interface Leave {
  /** Aborts then; undefined = never. */
  signal: AbortSignal | undefined;
  /** The part of it that is the caller's time-out. */
  timeout: AbortSignal | undefined;
}

/** The caller's time-out and signal as one; the time begins now. */
export function leaveSignal({ timeoutMs, signal }: WaitOptions): Leave {
  const timeout = timeoutMs === undefined ? undefined : AbortSignal.timeout(timeoutMs);
  // one signal is passed on as it is: thousands may wait, and each signal more is memory
  return { timeout, signal: timeout && signal ? AbortSignal.any([timeout, signal]) : (timeout ?? signal) };
}

/**
 * Rejects with the signal's reason when it aborts first; listens no longer than the act takes. The act
 * itself goes on, for it may be others' too.
 */
export async function leaveOn<T>(signal: AbortSignal | undefined, act: Promise<T>): Promise<T> {
  if (!signal) return act;
  act.catch(() => undefined);
  let leave = () => {};
  const left = new Promise<never>((_, reject) => {
    leave = () => reject(signal.reason);
    if (signal.aborted) leave();
    else signal.addEventListener('abort', leave);
  });
  try {
    return await Promise.race([act, left]);
  } finally {
    signal.removeEventListener('abort', leave);
  }
}
