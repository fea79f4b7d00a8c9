import type { Client } from '@temporalio/client';
import type { Digester } from '../encryption/digester';
import { JobNotFoundError } from '../errors';
import { INLINE_LIMIT_BYTES, type JobArgument, type JobRecord, parseJobKey, type ReopenPermit } from '../job';
import type { ResultStore } from '../store/store';
import type { Records } from './records';
import { findRun, readArgument, untilClosed } from './runs';
import { startRun } from './start';

/** What the client's parts share. */
export interface Scope {
  client: Client;
  store: ResultStore | undefined;
  records: Records;
  digester: Digester;
  taskQueue: string;
}

/** The workflow's argument: a large input stays in the store, with a reference in history. */
export function makeArgument(
  scope: Scope,
  job: { task: string; digest: string; inputJson: string | null; hasInput: boolean },
  permit?: ReopenPermit,
): JobArgument {
  const { task, digest, inputJson, hasInput } = job;
  const travels = inputJson !== null && (!hasInput || Buffer.byteLength(inputJson) <= INLINE_LIMIT_BYTES);
  return {
    task,
    ...(travels ? { input: JSON.parse(inputJson) } : { input_ref: digest }),
    ...(scope.records.storeId && { store_id: scope.records.storeId }),
    ...(permit && { reopen: permit }),
  };
}

/**
 * A start for a job whose submitter is gone: by the input beside its record, or, without a store, by the
 * argument of its last run.
 *
 * @throws JobNotFoundError where there is neither
 */
export async function restartArgument(
  scope: Scope,
  key: string,
  record: JobRecord | null,
  permit?: ReopenPermit,
): Promise<{ arg: JobArgument; digest: string }> {
  if (scope.store && record) {
    const job = { task: record.task, digest: record.input_digest, inputJson: null, hasInput: true };
    return { arg: makeArgument(scope, job, permit), digest: record.input_digest };
  }
  const run = await findRun(scope.client, key);
  if (!run) throw new JobNotFoundError(parseJobKey(key).jobId);
  const { task, input, input_ref, store_id } = await readArgument(scope.client, key, run.runId);
  const arg = { task, input, input_ref, store_id, ...(permit && { reopen: permit }) };
  return { arg, digest: run.digest };
}

/**
 * Starts a run for a job whose submitter is gone, or, with a permit, for one that is settled.
 *
 * @returns false where one is open that does so already, or where it completed
 */
export async function restartRun(
  scope: Scope,
  key: string,
  record: JobRecord | null,
  permit?: ReopenPermit,
): Promise<boolean> {
  const { client, taskQueue } = scope;
  const { arg, digest } = await restartArgument(scope, key, record, permit);
  for (;;) {
    if (await startRun(client, { key, arg, digest, taskQueue })) return true;
    const run = permit && (await findRun(client, key));
    if (!run || run.status === 'COMPLETED') return false;
    if (!run.isOpen) continue;
    const { reopen } = await readArgument(client, key, run.runId);
    if (reopen?.token === permit.token) return false;
    // the record is written a moment before its run closes, and that run has no use for the permit
    await untilClosed(client.workflow.getHandle(key, run.runId));
  }
}
