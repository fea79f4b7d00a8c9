import type { Context } from '@temporalio/activity';

/** Why an attempt may have to stop. */
export interface StopSignals {
  /** The job was canceled: abort its request. */
  canceled: AbortSignal;
  /** This process ends and its grace is over: abort, and leave the rest to another worker. */
  shutdown: AbortSignal;
  /** True once Temporal has given this attempt up: what it still finds out is written as a late result. */
  isSuperseded(): boolean;
}

/**
 * Tells an explicit cancel from everything else that Temporal calls cancellation. A lost heartbeat, a
 * closed run, a pause or a reset lets the call go on: to abort un-bills nothing, it only throws the
 * answer away.
 */
export function watchStopSignals(context: Context): StopSignals {
  const canceled = new AbortController();
  const shutdown = new AbortController();
  let superseded = false;
  context.cancelled.catch(() => {
    const details = context.cancellationDetails;
    if (details?.cancelRequested) canceled.abort();
    else if (details?.workerShutdown) shutdown.abort();
    else superseded = true;
  });
  return { canceled: canceled.signal, shutdown: shutdown.signal, isSuperseded: () => superseded };
}
