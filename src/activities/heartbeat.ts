import type { Context } from '@temporalio/activity';

/**
 * Heartbeats now and at a steady pace until the returned function is called. The first one carries the
 * store's id to the next attempt before anything is claimed. Independent of the store on purpose: a slow
 * store must not stop heartbeats.
 *
 * @param timeoutMs - the activity's heartbeat time-out; the pace is a third of it
 */
export function keepHeartbeating(context: Context, timeoutMs: number, details: HeartbeatDetails): () => void {
  context.heartbeat(details);
  const timer = setInterval(() => context.heartbeat(details), timeoutMs / 3);
  return () => clearInterval(timer);
}

/** What one attempt leaves to the next. */
export interface HeartbeatDetails {
  store_id: string;
}
