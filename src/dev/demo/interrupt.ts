/** The user stopped the demo. */
export class Interrupted extends Error {
  /** 130 for Ctrl-C, 143 for SIGTERM, as shells have it. */
  readonly exitCode: number;

  constructor(signal: NodeJS.Signals) {
    super(`stopped by ${signal}`);
    this.exitCode = signal === 'SIGINT' ? 130 : 143;
  }
}

/** npm passes on the Ctrl-C that the terminal has sent already: two of them this close are one. */
const SAME_CTRL_C_MS = 1_000;

/**
 * Aborts at the first Ctrl-C, SIGTERM or closing of the terminal, with an {@link Interrupted}. A second one
 * ends the process at once.
 */
export function takeInterrupts(): AbortSignal {
  const controller = new AbortController();
  let first = 0;
  const stop = (signal: NodeJS.Signals) => {
    const interrupted = new Interrupted(signal);
    if (!controller.signal.aborted) {
      first = performance.now();
      controller.abort(interrupted);
    } else if (performance.now() - first > SAME_CTRL_C_MS) process.exit(interrupted.exitCode);
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stop(signal));
  return controller.signal;
}

/** The promise's outcome, or the signal's reason as soon as it aborts. */
export async function orInterrupted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  let leave: () => void = () => undefined;
  const interrupted = new Promise<never>((_, reject) => {
    leave = () => reject(signal.reason);
    signal.addEventListener('abort', leave, { once: true });
  });
  try {
    return await Promise.race([promise, interrupted]);
  } finally {
    signal.removeEventListener('abort', leave);
    promise.catch(() => undefined);
  }
}
