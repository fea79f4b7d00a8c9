import { ConfigError, JobNotFoundError, WrongStateError } from '../errors';
import { isSettled, type JobRecord, parseJobKey } from '../job';
import { toRecord } from '../once/record';
import { forget } from '../once/rules/decide';
import { deleteHistory } from './history';
import { findRun, untilClosed } from './runs';
import type { Scope } from './scope';
import type { ProviderCopies } from './types';

/**
 * Erases a settled job (PROTOCOL 6): its input, results and raw texts, the provider's stored copies, and
 * the history. A tombstone stays, so that no late writer brings it back and its id is not used again.
 *
 * @throws WrongStateError where the job is not settled: cancel it first
 */
export async function forgetJob(
  scope: Scope,
  key: string,
  provider: ProviderCopies | undefined,
): Promise<JobRecord> {
  const { store, client } = scope;
  const { jobId } = parseJobKey(key);
  if (!store) throw new ConfigError('forget needs the store that the workers use; give it to the client.');
  const { job: before } = await store.read(key);
  if (!before) throw new JobNotFoundError(jobId);
  if (!isSettled(before.status)) {
    throw new WrongStateError(
      jobId,
      `it is ${before.status}; cancel it before it can be forgotten`,
      toRecord(before),
    );
  }
  const run = await findRun(client, key);
  if (run?.isOpen) await untilClosed(client.workflow.getHandle(key, run.runId));
  // the provider first: once the row is erased nobody knows the calls any more
  await provider?.forget(
    key,
    before.calls.map((call) => call.call_id),
    undefined,
    before.calls.flatMap((call) => call.operation ?? []),
  );
  const forgotten = await store.update(key, forget());
  if (forgotten.kind === 'unsettled' || !forgotten.row) {
    throw new WrongStateError(jobId, 'it was opened again meanwhile; cancel it before it can be forgotten');
  }
  await deleteHistory(client, key);
  return toRecord(forgotten.row);
}
