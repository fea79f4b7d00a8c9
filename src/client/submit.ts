import { InputMismatchError, InvalidInputError, JobForgottenError } from '../errors';
import { isTaskName, parseJobKey, pendingRecord, type ReopenPermit, type SubmitAnswer } from '../job';
import type { JobSeed } from '../once/rules/row';
import { INPUT_LIMIT_BYTES, limitInput } from './input-limit';
import type { Met } from './records';
import { findRun, readArgument, untilClosed } from './runs';
import { makeArgument, type Scope } from './scope';
import { startRun } from './start';

/** Without a store the input travels through history, which refuses what is over 2 MB. */
const HISTORY_LIMIT_BYTES = 1024 * 1024;

/** The seed of a submission. @throws InvalidInputError, TooLargeError before anything is written */
export function makeSeed(scope: Scope, key: string, task: string, input: unknown): JobSeed {
  const { jobId } = parseJobKey(key);
  if (typeof task !== 'string' || !isTaskName(task))
    throw new InvalidInputError(jobId, 'its task has no name');
  const identity = scope.digester.identify(jobId, task, input);
  if (scope.store) limitInput(jobId, identity.input_json, INPUT_LIMIT_BYTES, 'send less');
  return { key, task, task_version: null, ...identity };
}

const TRAVELS =
  'without its place in a store it travels through history; give the client the store, or send less';

/**
 * Submits (PROTOCOL 2): answers from the record where it is settled, else starts a run, in every
 * unsettled state; "already started" is the join.
 */
export async function submitJob(scope: Scope, seed: JobSeed): Promise<SubmitAnswer> {
  const { jobId } = parseJobKey(seed.key);
  for (;;) {
    const met = await scope.records.meet(seed);
    if (met.kind === 'mismatch') throw new InputMismatchError(jobId, met.record ?? undefined);
    if (met.kind === 'forgotten') throw new JobForgottenError(jobId, met.record ?? undefined);
    // the record is nobody else's, and to copy it takes longer than to make it
    if (met.kind === 'replay') return Object.assign(met.record!, { created: false, replayed: true });
    const joined = await startOrJoin(scope, seed, met);
    if (joined)
      return {
        ...(met.record ?? pendingRecord(jobId, seed.task, seed.input_digest, new Date())),
        created: joined === 'created',
        replayed: false,
      };
  }
}

/** @returns null where another run stood in the way and has closed: look again */
async function startOrJoin(scope: Scope, seed: JobSeed, met: Met): Promise<'created' | 'joined' | null> {
  const { key, task, input_digest: digest, input_json: inputJson } = seed;
  if (!met.hasInput) limitInput(parseJobKey(key).jobId, inputJson, HISTORY_LIMIT_BYTES, TRAVELS);
  const arg = makeArgument(scope, { task, digest, inputJson, hasInput: met.hasInput }, met.permit);
  if (await startRun(scope.client, { key, arg, digest, taskQueue: scope.taskQueue })) return 'created';
  const run = await findRun(scope.client, key);
  if (run?.isOpen) {
    if (scope.digester.keyed(run.digest) === digest && (await isJoin(scope, key, run.runId, met.permit)))
      return 'joined';
    // a settled record is written a moment before its run closes; another input's run is no join either
    await untilClosed(scope.client.workflow.getHandle(key, run.runId));
  } else if (run?.status === 'COMPLETED') {
    await scope.records.restore(key, run);
  }
  return null;
}

/** A record that is settled is opened again by a run with our permit, whoever started that. */
async function isJoin(scope: Scope, key: string, runId: string, permit?: ReopenPermit): Promise<boolean> {
  if (!permit) return true;
  return (await readArgument(scope.client, key, runId)).reopen?.token === permit.token;
}
