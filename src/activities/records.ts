import { ApplicationFailure, Context } from '@temporalio/activity';
import type { JobArgument, JobRecord } from '../job';
import type { OnceEvent } from '../once/env';
import { stopOperations } from '../once/operations';
import { toRecord } from '../once/record';
import { askProvider } from '../once/recover';
import { cancel, type Decision, decide } from '../once/rules/decide';
import type { StoredJob } from '../store/store';
import { checkSchema } from '../tasks/check';
import { type ResolveRequest, type StoreRef, UNNAMED } from '../workflows/contract';
import type { ActivityDeps } from './deps';
import { toFailure } from './failure';
import { keepHeartbeating } from './heartbeat';
import { findTask, jobKeyOf, onceEnv, refuseOtherStore } from './infer';
import { tellEvent } from './log';
import { seedOf } from './prepare';

/** Applies an operator's decision; refuses one that answers another doubt, or a result off the schema. */
export function decideDoubt(deps: ActivityDeps, request: ResolveRequest & StoreRef): Promise<JobRecord> {
  return onRecord(deps, request, async (key, onEvent) => {
    const decided = await deps.store.update(key, decide(await toDecision(deps, key, request)));
    if (decided.kind === 'refused') throw ApplicationFailure.nonRetryable(decided.why, 'wrong_state');
    const { kind, row } = decided;
    if (kind === 'applied') onEvent({ event: 'decided', key, reason: request.action, status: row.status });
    return toRecord((await stopAtProvider(deps, onEvent, row)) ?? row);
  });
}

/** An adopted result is what the task's schema makes of it, as an answer of the model would be. */
async function toDecision(deps: ActivityDeps, key: string, request: ResolveRequest): Promise<Decision> {
  const { action, doubt, by = UNNAMED, result } = request;
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
export function cancelJob(deps: ActivityDeps, arg: JobArgument): Promise<JobRecord | null> {
  return onRecord(deps, arg, async (key, onEvent) => {
    const seed = seedOf(deps, key, arg, findTask(deps, arg.task));
    const row = await deps.store.update(key, cancel(seed));
    if (!row || row.input_digest !== seed.input_digest) return null;
    onEvent({ event: 'canceled', key, status: row.status });
    return toRecord((await stopAtProvider(deps, onEvent, row)) ?? row);
  });
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
export function readRecord(deps: ActivityDeps, request: StoreRef): Promise<JobRecord | null> {
  return onRecord(deps, request, async (key) => {
    const { job } = await deps.store.read(key);
    return job && toRecord(job);
  });
}

/** Does one short thing to this run's record. It heartbeats, so that a worker killed in it is soon missed. */
async function onRecord<T>(
  deps: ActivityDeps,
  ref: StoreRef,
  act: (key: string, onEvent: (event: OnceEvent) => void) => Promise<T>,
): Promise<T> {
  const context = Context.current();
  const key = jobKeyOf(context);
  refuseOtherStore(deps, ref, context);
  const mine = { store_id: deps.store.id };
  const stopHeartbeating = keepHeartbeating(context, deps.heartbeatTimeoutMs, mine, false);
  try {
    return await act(key, (event) => tellEvent(deps, event, context.info.attempt));
  } catch (error) {
    throw toFailure(deps.log, key, error);
  } finally {
    stopHeartbeating();
  }
}
