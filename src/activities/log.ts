import type { OnceEvent } from '../once/env';
import type { ActivityDeps } from './deps';

const LOUD = new Set<OnceEvent['event']>([
  'in_doubt',
  'late',
  'lease_lost',
  'look_up_failed',
  'cancel_failed',
  'store_away',
]);
/** Reasons that one person must act on at once: a key that expired would stop a whole night's batch. */
const ALARMING = new Set(['unauthorized', 'forbidden', 'insufficient_quota']);

/** One structured line for a step in a job's life. Ids and reasons only: never a prompt or a result. */
export function tellEvent(
  { log, onEvent }: Pick<ActivityDeps, 'log' | 'onEvent'>,
  event: OnceEvent,
  attempt: number,
): void {
  onEvent?.(event);
  const { event: name, key, ...fields } = event;
  const line = { job_id: key, activity_attempt: attempt, ...fields };
  if (event.reason && ALARMING.has(event.reason)) log.error(line, name);
  else if (LOUD.has(name)) log.warn(line, name);
  else log.info(line, name);
}
