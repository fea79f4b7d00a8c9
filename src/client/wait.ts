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
  const nap = new Nap();
  signal.addEventListener('abort', nap.wake);
  if (signal.aborted) nap.wake();
  try {
    return await lookUntilAnswered({ scope, wanted, signal, left: left.signal, nap });
  } finally {
    signal.removeEventListener('abort', nap.wake);
    left.abort();
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
}

/** A wait may last for days, so each look leaves nothing behind: no listener, and no race with what outlives it. */
async function lookUntilAnswered({ scope, wanted, signal, left, nap }: Waiting): Promise<JobRecord | null> {
  const { key } = wanted;
  const watch = () => watchRun(scope, key, left, nap.wake);
  let run: WatchedRun | null = null;
  for (let looks = 0, restarts = 0; ; looks += 1) {
    // read after the close was seen, never before it: the record is written first
    const wasClosed = run?.isClosed ?? false;
    const record = await scope.records.read(key);
    if (record && isAnswer(record, wanted, wasClosed)) return record;
    run ??= watch();
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
    // the run's close wakes a waiter at once; looking at the record in between is for doubts only
    await nap.sleep(Math.min(5_000, 250 * 2 ** Math.min(looks, 10)));
    signal.throwIfAborted();
    // nobody else can poll then either; the record is looked at all the same
    if (isAtLimit(run.fault)) run = null;
    else if (run.fault) throw run.fault;
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
  private woken = new AbortController();

  readonly wake = (): void => this.woken.abort();

  async sleep(ms: number): Promise<void> {
    await delay(ms, undefined, { signal: this.woken.signal }).catch(() => undefined);
    this.woken = new AbortController();
  }
}
