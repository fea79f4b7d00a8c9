import { isSettled, type JobRecord } from '../../job';
import { sseComment, sseMessage, sseRetry } from '../http/sse';
import { refusalOf } from '../problem';
import { endEvent, eventId, recordEvent } from './job-events';

/** A client whose connection broke comes back after so long. */
const COME_BACK_AFTER_MS = 2_000;

/** What a stream tells, and to whom. */
export interface JobStream {
  /** The record as it is. */
  first: JobRecord;
  /** The records after it; ends with the settled one. */
  changes: AsyncIterator<JobRecord, void>;
  /** The last event that the client has; it is not sent again. */
  lastEventId: string | undefined;
  /** Aborts when the client has gone or the gateway stops. */
  signal: AbortSignal;
  keepAliveMs: number;
  /** Told of a fault that ends the stream. */
  onFault(error: unknown): void;
}

/**
 * The text of one client's stream. Pulled, not pushed: a client that reads slowly is told the latest state
 * when it comes to it, and nothing piles up for it here.
 */
export async function* streamText({ first, ...stream }: JobStream): AsyncGenerator<string, void> {
  yield sseRetry(COME_BACK_AFTER_MS);
  if (eventId(first) !== stream.lastEventId) yield sseMessage(recordEvent(first));
  let last = first;
  try {
    while (!isSettled(last.status)) {
      const change = stream.changes.next();
      // an abort while a keep-alive is written: its error is met by the next turn
      change.catch(() => undefined);
      while (await isQuiet(change, stream.keepAliveMs)) yield sseComment('keep-alive');
      const { value } = await change;
      // the watch ends with a settled record, never without one
      if (!value) return;
      last = value;
      yield sseMessage(recordEvent(last));
    }
    yield sseMessage(endEvent(last));
  } catch (error) {
    // without an end, so that the client comes back, to another gateway where this one stops
    if (stream.signal.aborted) return;
    stream.onFault(error);
    yield sseMessage({ event: 'problem', data: refusalOf(error).problem });
  }
}

/** True where nothing happened for so long. */
async function isQuiet(change: Promise<unknown>, ms: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const quiet = new Promise<boolean>((done) => {
    timer = setTimeout(() => done(true), ms);
  });
  try {
    return await Promise.race([change.then(() => false), quiet]);
  } finally {
    clearTimeout(timer);
  }
}
