/** Which signal stopped the program. */
export type StopSignal = 'SIGINT' | 'SIGTERM';

/** Tells that the user wants the program to end. */
export interface Interrupt {
  /** Aborts with the first Ctrl-C, SIGTERM or closing of the terminal. */
  readonly signal: AbortSignal;
  /** Which one it was; SIGINT before any. */
  readonly by: StopSignal;
}

/**
 * Takes Ctrl-C and SIGTERM over for the rest of the process.
 *
 * @param again - called by the second and every later one; default: the process ends at once
 */
export function takeInterrupts(again?: () => void): Interrupt {
  const controller = new AbortController();
  const interrupt = { signal: controller.signal, by: 'SIGINT' as StopSignal };
  const stop = (by: StopSignal) => () => {
    if (!controller.signal.aborted) {
      interrupt.by = by;
      controller.abort();
    } else if (again) again();
    else process.exit(by === 'SIGINT' ? 130 : 143);
  };
  process.on('SIGINT', stop('SIGINT')).on('SIGTERM', stop('SIGTERM')).on('SIGHUP', stop('SIGTERM'));
  return interrupt;
}
