import { ApplicationFailure, Context } from '@temporalio/activity';
import type { JobArgument, JobRecord } from '../job';
import type { OnceEvent } from '../once/env';
import { stopOperations } from '../once/operations';
import { toRecord } from '../once/record';
import { askProvider } from '../once/recover';
import { cancel, type Decision, decide } from '../once/rules/decide';
import type { StoredJob } from '../store/store';
import { checkSchema } from '../tasks/check';
import type { ResolveRequest, StoreRef } from '../workflows/contract';
import type { ActivityDeps } from './deps';
import { toFailure } from './failure';
import { findTask, jobKeyOf, onceEnv, refuseOtherStore } from './infer';
import { logEvent } from './log';
import { seedOf } from './prepare';

/** Applies an operator's decision; refuses one that answers another doubt, or a result off the schema. */
export async function decideDoubt(
  deps: ActivityDeps,
  request: ResolveRequest & StoreRef,
): Promise<JobRecord> {
  const context = Context.current();
  const key = jobKeyOf(context);
  refuseOtherStore(deps, request, context);
  try {
    const decided = await deps.store.update(key, decide(await toDecision(deps, key, request)));
    if (decided.kind === 'refused') throw ApplicationFailure.nonRetryable(decided.why, 'wrong_state');
    const onEvent = (event: OnceEvent) => logEvent(deps.log, event, context.info.attempt);
    onEvent({ event: 'decided', key, reason: request.action, status: decided.row.status });
    return toRecord((await stopAtProvider(deps, onEvent, decided.row)) ?? decided.row);
  } catch (error) {
    throw toFailure(deps.log, key, error);
  }
}

/** An adopted result is what the task's schema makes of it, as an answer of the model would be. */
async function toDecision(deps: ActivityDeps, key: string, request: ResolveRequest): Promise<Decision> {
  const { action, doubt, by = 'unknown', result } = request;
  if (action !== 'adopt') return { action, doubt, by };
  const { job: row } = await deps.store.read(key);
  const task = row && findTask(deps, row.task);
  const refuse = (why: string) => ApplicationFailure.nonRetryable(why, 'invalid_decision');
  if (!task) throw refuse('this worker does not know the task, and so can not check the result');
  const checked = checkSchema(task.output, result);
  if ('fault' in checked) throw refuse(`the adopted result does not fit task ${task.name} ${checked.fault}`);
  return { action, doubt, by, result: checked.data };
}

/** Writes the cancellation of a job whose activity is not running; null where the run had missed its job. */
export async function cancelJob(deps: ActivityDeps, arg: JobArgument): Promise<JobRecord | null> {
  const context = Context.current();
  const key = jobKeyOf(context);
  refuseOtherStore(deps, arg, context);
  try {
    const seed = seedOf(key, arg, findTask(deps, arg.task));
    const row = await deps.store.update(key, cancel(seed));
    if (!row || row.input_digest !== seed.input_digest) return null;
    const onEvent = (event: OnceEvent) => logEvent(deps.log, event, context.info.attempt);
    onEvent({ event: 'canceled', key, status: row.status });
    return toRecord((await stopAtProvider(deps, onEvent, row)) ?? row);
  } catch (error) {
    throw toFailure(deps.log, key, error);
  }
}

/** What the provider still runs for a job that was given up is stopped, with one look for an answer that came all the same. */
async function stopAtProvider(
  deps: ActivityDeps,
  onEvent: (event: OnceEvent) => void,
  row: StoredJob,
): Promise<StoredJob | null> {
  const task = findTask(deps, row.task);
  const operations = (task && deps.provider.operations?.(task)) ?? null;
  const job = { seed: { key: row.key }, operations, lookUp: null, shutdown: new AbortController().signal };
  const env = onceEnv(deps, onEvent);
  return (await stopOperations(env, job, row)) ? askProvider(env, job, row) : null;
}

/** The record as it is now. */
export async function readRecord(deps: ActivityDeps, request: StoreRef): Promise<JobRecord | null> {
  const context = Context.current();
  const key = jobKeyOf(context);
  refuseOtherStore(deps, request, context);
  try {
    const { job } = await deps.store.read(key);
    return job && toRecord(job);
  } catch (error) {
    throw toFailure(deps.log, key, error);
  }
}
