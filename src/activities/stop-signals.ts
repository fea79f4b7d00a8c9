import type { Context } from '@temporalio/activity';

/** Why an attempt may have to stop. */
export interface StopSignals {
  /** The job was canceled: abort its request. */
  canceled: AbortSignal;
  /** This process ends and its grace is over: abort, and leave the rest to another worker. */
  shutdown: AbortSignal;
  /** True once Temporal has given this attempt up: what it still finds out is written as a late result. */
  isSuperseded(): boolean;
  /** Stops watching. */
  stop(): void;
}

const LOOK_EVERY_MS = 1_000;

/**
 * Tells an explicit cancel from everything else that Temporal calls cancellation. A lost heartbeat, a
 * closed run, a pause or a reset lets the call go on: to abort un-bills nothing, it only throws the
 * answer away. After one of these the SDK says nothing more by itself, so that a later cancel or shutdown
 * is looked for.
 *
 * @param graceIsOver - aborts at the end of this worker's own shutdown
 */
export function watchStopSignals(context: Context, graceIsOver?: AbortSignal): StopSignals {
  const canceled = new AbortController();
  const shutdown = new AbortController();
  let superseded = false;
  let timer: NodeJS.Timeout | undefined;
  const look = () => {
    const details = context.cancellationDetails;
    if (details?.cancelRequested) canceled.abort();
    else if (details?.workerShutdown) shutdown.abort();
    else superseded = true;
  };
  const end = () => shutdown.abort();
  if (graceIsOver?.aborted) end();
  graceIsOver?.addEventListener('abort', end, { once: true });
  context.cancelled.catch(() => {
    look();
    if (superseded) timer = setInterval(look, LOOK_EVERY_MS);
  });
  return {
    canceled: canceled.signal,
    shutdown: shutdown.signal,
    isSuperseded: () => superseded,
    stop() {
      clearInterval(timer);
      graceIsOver?.removeEventListener('abort', end);
    },
  };
}
