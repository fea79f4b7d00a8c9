import { setTimeout as delay } from 'node:timers/promises';
import { WrongStateError } from '../errors';
import { isSettled, type JobRecord, parseJobKey } from '../job';
import { isAtLimit } from './guard';
import { restartRun, type Scope } from './scope';
import { watchUntilClosed } from './watch-closed';

/** How often an orphan is started again before the waiter says that something else is wrong. */
const MAX_RESTARTS = 3;

/** What a waiter waits for. */
export interface Wanted {
  key: string;
  /** A `retry` does not take the old failure for an answer until the token has moved or its run closed. */
  staleToken?: number;
  /** A `cancel` does not take the doubt that it abandons for an answer, and starts no run. */
  canceling?: boolean;
}

/**
 * Resolves with the record once it is settled, or in doubt and no longer recovering. A waiter that finds
 * no open run and an unsettled record starts one, as a submission does.
 *
 * @returns null only where `canceling` found no open run and an unsettled record
 */
export async function waitForRecord(
  scope: Scope,
  wanted: Wanted,
  signal: AbortSignal,
): Promise<JobRecord | null> {
  const left = new AbortController();
  try {
    return await lookUntilAnswered(scope, wanted, signal, left.signal);
  } finally {
    left.abort();
  }
}

async function lookUntilAnswered(
  scope: Scope,
  wanted: Wanted,
  signal: AbortSignal,
  left: AbortSignal,
): Promise<JobRecord | null> {
  const { key } = wanted;
  const enough = AbortSignal.any([signal, left]);
  let run: WatchedRun | null = null;
  for (let looks = 0, restarts = 0; ; looks += 1) {
    // read after the close was seen, never before it: the record is written first
    const wasClosed = run?.isClosed() ?? false;
    const record = await scope.records.read(key);
    if (record && isAnswer(record, wanted, wasClosed)) return record;
    run ??= watchRun(scope, key, left);
    if (wasClosed && wanted.canceling) return null;
    if (wasClosed) {
      if (restarts === MAX_RESTARTS) {
        throw new WrongStateError(
          parseJobKey(key).jobId,
          'its runs end without settling it; look at them in Temporal UI',
        );
      }
      restarts += 1;
      await restartRun(scope, key, record);
      run = watchRun(scope, key, left);
    }
    const looked = pause(looks, enough);
    // nobody else can poll then either; the record is looked at all the same
    const closed = run.closed.catch((error: unknown) => {
      if (!isAtLimit(error)) throw error;
      run = null;
      return looked;
    });
    await Promise.race([closed, looked]);
    signal.throwIfAborted();
  }
}

function isAnswer(record: JobRecord, wanted: Wanted, wasClosed: boolean): boolean {
  if (record.status === 'IN_DOUBT') return !wanted.canceling && record.doubt?.recovering === false;
  if (!isSettled(record.status)) return false;
  return wasClosed || record.token !== wanted.staleToken;
}

interface WatchedRun {
  closed: Promise<void>;
  isClosed(): boolean;
}

/** Watches the latest run until it closes, or the watcher has left. */
function watchRun({ client }: Scope, key: string, left: AbortSignal): WatchedRun {
  let isClosed = false;
  const closed = watchUntilClosed(client, key, left).then(() => {
    isClosed = true;
  });
  // whoever awaits it sees its error; one that nobody awaits any more is no crash
  closed.catch(() => undefined);
  return { closed, isClosed: () => isClosed };
}

/** The run's close wakes a waiter at once; looking at the record in between is for doubts only. */
function pause(looks: number, signal: AbortSignal): Promise<void> {
  const ms = Math.min(5_000, 250 * 2 ** Math.min(looks, 10));
  return delay(ms, undefined, { signal }).catch(() => undefined);
}
