import type { Context } from '@temporalio/activity';

/**
 * Heartbeats at a steady pace until the returned function is called. Independent of the store on purpose:
 * a slow store must not stop heartbeats.
 *
 * @param timeoutMs - the activity's heartbeat time-out; the pace is a third of it
 * @param atOnce - heartbeat now, too: the next attempt learns the store's id even if this one dies at once.
 *   It costs each job a request to Temporal, so not where the run names its store itself
 */
export function keepHeartbeating(
  context: Context,
  timeoutMs: number,
  details: HeartbeatDetails,
  atOnce: boolean,
): () => void {
  if (atOnce) context.heartbeat(details);
  const timer = setInterval(() => context.heartbeat(details), timeoutMs / 3);
  return () => clearInterval(timer);
}

/** What one attempt leaves to the next. */
export interface HeartbeatDetails {
  store_id: string;
}
