import { WorkflowNotFoundError } from '@temporalio/client';
import { JobNotFoundError, WrongStateError } from '../errors';
import { isSettled, type JobRecord, parseJobKey } from '../job';
import { toRecord } from '../once/record';
import { cancel } from '../once/rules/decide';
import { guard } from './guard';
import { findRun } from './runs';
import type { Scope } from './scope';
import { waitForRecord } from './wait';

/**
 * Cancels a job (PROTOCOL 6) and resolves with its record once the cancel is written. A completed job
 * stays as it is; on a failed or canceled one every permit given before is void.
 *
 * @param signal - stops waiting for the worker's write; the request stands, and the record is returned
 *   as it is then
 */
export async function cancelJob(scope: Scope, key: string, signal: AbortSignal): Promise<JobRecord> {
  const run = await findRun(scope.client, key);
  const byRun =
    run?.isOpen && (await requestCancel(scope, key)) ? await untilWritten(scope, key, signal) : null;
  if (byRun && (!scope.store || !isSettled(byRun.status))) return byRun;
  return cancelDirectly(scope, key, byRun);
}

/** The record once the run has written its cancel; null where the run is gone and has written none. */
async function untilWritten(scope: Scope, key: string, signal: AbortSignal): Promise<JobRecord | null> {
  try {
    return await waitForRecord(scope, { key, canceling: true }, signal);
  } catch (error) {
    const record = signal.aborted ? await scope.records.read(key) : null;
    if (record) return record;
    throw error;
  }
}

/**
 * The same conditional write without a run. Also after a run has settled the record: one that was about
 * to close when the cancel came has written none, and permits given before it would still open the record.
 */
async function cancelDirectly(scope: Scope, key: string, settled: JobRecord | null): Promise<JobRecord> {
  const { jobId } = parseJobKey(key);
  if (!scope.store) {
    const record = await scope.records.read(key);
    if (record && isSettled(record.status)) return record;
    if (!record) throw new JobNotFoundError(jobId);
    throw new WrongStateError(
      jobId,
      'it has no run; to cancel it give the client the store of the workers',
      record,
    );
  }
  const row = await scope.store.update(key, (row, now) =>
    settled && row?.token !== settled.token ? { returns: row } : cancel(null)(row, now),
  );
  if (!row) throw new JobNotFoundError(jobId);
  return toRecord(row);
}

/** @returns false where the run closed first */
async function requestCancel(scope: Scope, key: string): Promise<boolean> {
  try {
    await guard(scope.client.workflow.getHandle(key).cancel());
    return true;
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return false;
    throw error;
  }
}
