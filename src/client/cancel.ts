import { WorkflowNotFoundError } from '@temporalio/client';
import { JobNotFoundError } from '../errors';
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
  if (run?.isOpen && (await requestCancel(scope, key))) {
    try {
      return await voidPermits(scope, key, await waitForRecord(scope, { key, settled: true }, signal));
    } catch (error) {
      const record = signal.aborted ? await scope.records.read(key) : null;
      if (record) return record;
      throw error;
    }
  }
  const record = scope.store
    ? await scope.store.update(key, cancel(null)).then((row) => row && toRecord(row))
    : await scope.records.read(key);
  if (record && isSettled(record.status)) return record;
  throw new JobNotFoundError(parseJobKey(key).jobId);
}

/**
 * A run that was about to close when the cancel came has written none: permits that were given before it
 * would still open the record.
 */
async function voidPermits(scope: Scope, key: string, settled: JobRecord): Promise<JobRecord> {
  if (!scope.store) return settled;
  const row = await scope.store.update(key, (row, now) =>
    row?.token === settled.token ? cancel(null)(row, now) : { returns: row },
  );
  return row ? toRecord(row) : settled;
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
