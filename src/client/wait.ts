import { clearTimeout, setTimeout } from 'node:timers';
import { WrongStateError } from '../errors';
import { isSettled, type JobRecord, parseJobKey } from '../job';
import { isAtLimit } from './guard';
import { restartRun, type Scope } from './scope';
import { hasSkippedTime, watchUntilClosed } from './watch-closed';

/** How often an orphan is started again before the waiter says that something else is wrong. */
const MAX_RESTARTS = 3;

/**
 * Where the store tells of a job's end, a run that was seen open a moment ago is watched from this look on, after
 * 3.75 s: what is answered sooner costs Temporal no long poll.
 */
const WATCH_FROM_LOOK = 4;

/** Why a watch ends that nobody needs any more; made once, for an error is dear. */
const LEFT = new Error('Nobody waits for this run any more.');

/** What a waiter waits for. */
export interface Wanted {
  key: string;
  /** A `retry` does not take the old failure for an answer until the token has moved or its run closed. */
  staleToken?: number;
  /** A `cancel` does not take the doubt that it abandons for an answer, and starts no run. */
  canceling?: boolean;
  /** Its run was seen open a moment ago, by the submission that is waited for. */
  isOpen?: boolean;
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
  const nap = new Nap();
  signal.addEventListener('abort', nap.wake);
  if (signal.aborted) nap.wake();
  // time that skips does so while a run is watched, and tests like to find it closed
  const hears = !hasSkippedTime(scope.client);
  const mute = hears && scope.store?.onSettled?.(wanted.key, nap.wake);
  const watchFrom = mute && wanted.isOpen ? WATCH_FROM_LOOK : 0;
  try {
    return await lookUntilAnswered({ scope, wanted, signal, left: left.signal, nap, watchFrom });
  } finally {
    signal.removeEventListener('abort', nap.wake);
    if (mute) mute();
    left.abort(LEFT);
  }
}

interface Waiting {
  scope: Scope;
  wanted: Wanted;
  /** Aborts when the caller has waited enough. */
  signal: AbortSignal;
  /** Aborts when the wait has ended. */
  left: AbortSignal;
  nap: Nap;
  /** From which look on the run is watched. */
  watchFrom: number;
}

/** A wait may last for days, so each look leaves nothing behind: no listener, and no race with what outlives it. */
async function lookUntilAnswered(waiting: Waiting): Promise<JobRecord | null> {
  const { scope, wanted, signal, left, nap, watchFrom } = waiting;
  const { key } = wanted;
  const watch = () => watchRun(scope, key, left, nap.wake);
  let run: WatchedRun | null = null;
  for (let looks = 0, restarts = 0; ; looks += 1) {
    // read after the close was seen, never before it: the record is written first
    const wasClosed = run?.isClosed ?? false;
    const record = await scope.records.read(key);
    if (record && isAnswer(record, wanted, wasClosed)) return record;
    if (looks >= watchFrom) run ??= watch();
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
      run = watch();
    }
    // the job's end wakes a waiter at once; looking at the record in between is for doubts, and for what was not told
    await nap.sleep(Math.min(5_000, 250 * 2 ** Math.min(looks, 10)));
    signal.throwIfAborted();
    // nobody else can poll then either; the record is looked at all the same
    if (isAtLimit(run?.fault)) run = null;
    else if (run?.fault) throw run.fault;
  }
}

function isAnswer(record: JobRecord, wanted: Wanted, wasClosed: boolean): boolean {
  if (record.status === 'IN_DOUBT') return !wanted.canceling && record.doubt?.recovering === false;
  if (!isSettled(record.status)) return false;
  return wasClosed || record.token !== wanted.staleToken;
}

interface WatchedRun {
  isClosed: boolean;
  /** Why it is watched no more; null = it is. */
  fault: unknown;
}

/** Watches the latest run until it closes, or the watcher has left. */
function watchRun({ client }: Scope, key: string, left: AbortSignal, wake: () => void): WatchedRun {
  const run: WatchedRun = { isClosed: false, fault: null };
  watchUntilClosed(client, key, left).then(
    () => {
      run.isClosed = true;
      wake();
    },
    (error: unknown) => {
      run.fault = error;
      if (!isAtLimit(error)) wake();
    },
  );
  return run;
}

/** A pause that can be cut short. Who wakes it between two pauses cuts the next one short, so nothing is missed. */
class Nap {
  private isWoken = false;
  private end: (() => void) | null = null;

  readonly wake = (): void => {
    this.isWoken = true;
    this.end?.();
  };

  async sleep(ms: number): Promise<void> {
    if (!this.isWoken) await this.pause(ms);
    this.isWoken = false;
  }

  private pause(ms: number): Promise<void> {
    return new Promise((done) => {
      const timer = setTimeout(done, ms);
      this.end = () => {
        clearTimeout(timer);
        done();
      };
    });
  }
}
