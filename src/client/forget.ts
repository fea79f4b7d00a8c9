import type { Client } from '@temporalio/client';
import { ConfigError, JobNotFoundError, UnreachableError, WrongStateError } from '../errors';
import { isSettled, type JobRecord, parseJobKey } from '../job';
import { toRecord } from '../once/record';
import { forget } from '../once/rules/decide';
import type { StoredJob } from '../store/store';
import { deleteHistory } from './history';
import { leaveOn } from './leave';
import { findRun } from './runs';
import type { Scope } from './scope';
import type { ProviderCopies } from './types';
import { watchUntilClosed } from './watch-closed';

/**
 * Erases a settled job (PROTOCOL 6): its input, results and raw texts, the provider's stored copies, and
 * the history. A tombstone stays, so that no late writer brings it back and its id is not used again.
 *
 * @param enough - aborts when a run that is still open has had its time to close
 * @throws WrongStateError where the job is not settled, or has a run that stays open: cancel it first
 */
export async function forgetJob(
  scope: Scope,
  key: string,
  provider: ProviderCopies | undefined,
  enough: AbortSignal,
): Promise<JobRecord> {
  const { store, client } = scope;
  const { jobId } = parseJobKey(key);
  if (!store) throw new ConfigError('forget needs the store that the workers use; give it to the client.');
  for (;;) {
    const { job: before } = await store.read(key);
    if (!before) throw new JobNotFoundError(jobId);
    if (!isSettled(before.status)) {
      const why = `it is ${before.status}; cancel it before it can be forgotten`;
      throw new WrongStateError(jobId, why, toRecord(before));
    }
    if ((await findRun(client, key))?.isOpen && !(await hasClosed(client, key, enough))) {
      const why = 'a run of it is open and does not close, so nothing was erased; cancel it, then forget it';
      throw new WrongStateError(jobId, why, toRecord(before));
    }
    if (enough.aborted) {
      throw new UnreachableError(
        'temporal',
        `Temporal does not answer in time; nothing of job ${jobId} was erased, forget it again.`,
      );
    }
    // the provider first: once the row is erased nobody knows the calls any more
    await provider?.forget({
      key,
      task: before.task,
      callIds: before.calls.map((call) => call.call_id),
      operations: before.calls.flatMap((call) => call.operation ?? []),
    });
    // what another opened again meanwhile has calls that the provider was not asked to delete
    const row = await store.update(key, forget(before.token));
    if (row?.status === 'FORGOTTEN') return finish(client, key, row);
  }
}

/** Waits for the latest run to close. @returns false where it had not when `enough` aborted */
async function hasClosed(client: Client, key: string, enough: AbortSignal): Promise<boolean> {
  const left = new AbortController();
  try {
    await leaveOn(enough, watchUntilClosed(client, key, left.signal));
    return true;
  } catch (error) {
    if (enough.aborted && error === enough.reason) return false;
    throw error;
  } finally {
    left.abort();
  }
}

async function finish(client: Client, key: string, row: StoredJob): Promise<JobRecord> {
  await deleteHistory(client, key);
  return toRecord(row);
}
