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
  const signals = [timeout, signal].filter((s) => s !== undefined);
  return { timeout, signal: signals.length > 0 ? AbortSignal.any(signals) : undefined };
}

/**
 * Rejects with the signal's reason when it aborts first; listens no longer than the act takes. The act
 * itself goes on, for it may be others' too.
 */
export async function leaveOn<T>(signal: AbortSignal | undefined, act: Promise<T>): Promise<T> {
  if (!signal) return act;
  act.catch(() => undefined);
  const over = new AbortController();
  const left = new Promise<never>((_, reject) => {
    const leave = () => reject(signal.reason);
    if (signal.aborted) leave();
    signal.addEventListener('abort', leave, { once: true, signal: over.signal });
  });
  try {
    return await Promise.race([act, left]);
  } finally {
    over.abort();
  }
}
