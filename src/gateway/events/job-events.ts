import { createHash } from 'node:crypto';
import { stateOf } from '../../client/watch';
import { isSettled, type JobRecord } from '../../job';
import type { SseMessage } from '../http/sse';

/**
 * Names one state of a record: its fencing token, and a digest of all that is told of it. The token alone
 * does not do: a refusal, the end of a recovery and a late answer change the record and leave the token.
 */
export function eventId(record: JobRecord): string {
  const digest = createHash('sha256').update(stateOf(record)).digest('hex').slice(0, 16);
  return `${record.token}-${digest}`;
}

/** A record as an event: `event` is its status in lower case. */
export function recordEvent(record: JobRecord): SseMessage {
  return { id: eventId(record), event: record.status.toLowerCase(), data: record };
}

/** The last event of a settled job. Without an id of its own: a client comes back with the record's. */
export function endEvent({ job_id, status }: JobRecord): SseMessage {
  return { event: 'end', data: { job_id, status } };
}

/** Whether a client that has seen this event needs no stream any more. */
export function isOver(record: JobRecord, lastEventId: string | undefined): boolean {
  return isSettled(record.status) && lastEventId === eventId(record);
}
