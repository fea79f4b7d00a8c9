import { randomUUID } from 'node:crypto';
import { ApplicationFailure, Context } from '@temporalio/activity';
import { isSettled, parseJobKey } from '../job';
import { systemClock } from '../once/clock';
import type { OnceEnv, OnceEvent } from '../once/env';
import type { Policy } from '../once/policy';
import { toRecord } from '../once/record';
import { type OnceResult, runOnce } from '../once/run';
import type { Task } from '../tasks/task';
import { type InferOutcome, type InferRequest, SETTLED_SIGNAL, type StoreRef } from '../workflows/contract';
import type { ActivityDeps } from './deps';
import { toFailure } from './failure';
import { type HeartbeatDetails, keepHeartbeating } from './heartbeat';
import { tellEvent } from './log';
import { prepareCall, seedOf } from './prepare';
import { watchStopSignals } from './stop-signals';

/** The `infer` activity: one round of the core for the job that this run is. */
export async function infer(deps: ActivityDeps, request: InferRequest): Promise<InferOutcome> {
  const context = Context.current();
  const key = jobKeyOf(context);
  refuseOtherStore(deps, request, context);
  let isLate = false;
  const onEvent = (event: OnceEvent) => {
    isLate ||= event.event === 'late';
    tellEvent(deps, event, context.info.attempt);
  };
  const mine = { store_id: deps.store.id };
  const isNamed = request.store_id !== undefined;
  const stopHeartbeating = keepHeartbeating(context, deps.heartbeatTimeoutMs, mine, !isNamed);
  const signals = watchStopSignals(context, deps.shutdown);
  try {
    const task = findTask(deps, request.task);
    if (!task) await leaveToOthers(deps, key, request.task);
    const seed = seedOf(deps, key, request, task);
    const result = await runOnce(onceEnv(deps, onEvent), {
      seed,
      permit: request.reopen,
      policy: policyOf(deps.policy, task),
      checks: request.checks,
      prepare: (row) => prepareCall(deps, task, seed, row),
      lookUp: task && deps.provider.lookUp(task),
      operations: (task && deps.provider.operations?.(task)) ?? null,
      canceled: signals.canceled,
      shutdown: signals.shutdown,
    });
    if (isLate || signals.isSuperseded()) await wakeRun(deps, context);
    if (result.kind === 'settled' && result.row.status === 'FORGOTTEN') eraseLater(deps, key);
    return report(deps, result);
  } catch (error) {
    throw toFailure(deps.log, key, error);
  } finally {
    signals.stop();
    stopHeartbeating();
  }
}

/** The store key of the job that this activity's workflow is. */
export function jobKeyOf(context: Context): string {
  const { workflowId } = context.info.workflowExecution!;
  try {
    parseJobKey(workflowId);
  } catch (error) {
    throw ApplicationFailure.nonRetryable((error as Error).message, 'invalid_job_id');
  }
  return workflowId;
}

/** Two local files behind one task queue would pay twice: send nothing, let the right worker come. */
export function refuseOtherStore(deps: ActivityDeps, arg: StoreRef, context: Context): void {
  const before = context.info.heartbeatDetails as HeartbeatDetails | undefined;
  const expected = arg.store_id ?? before?.store_id;
  if (expected === undefined || expected === deps.store.id) return;
  throw ApplicationFailure.create({
    type: 'wrong_store',
    message: `wrong store: this job's record is in store ${expected}, this worker has store ${deps.store.id}; point every worker of this task queue at one store`,
    nextRetryDelay: '5 seconds',
  });
}

/**
 * A worker that does not know the task, in a rolling deploy say, knows neither its policy nor its recovery:
 * a job that was claimed is for a worker that does.
 */
async function leaveToOthers(deps: ActivityDeps, key: string, task: string): Promise<void> {
  const { job } = await deps.store.read(key);
  if (!job || job.attempts === 0 || isSettled(job.status)) return;
  throw ApplicationFailure.create({
    type: 'unknown_task',
    message: `this worker does not know task ${task}, and the job was claimed by one that does; it is left to such a worker`,
    nextRetryDelay: '10 seconds',
  });
}

/** Null where this worker does not have it. */
export function findTask(deps: ActivityDeps, name: string): Task | null {
  return deps.tasks.names().includes(name) ? deps.tasks.get(name) : null;
}

function policyOf(base: Policy, task: Task | null): Policy {
  return {
    ...base,
    onUnknown: task?.onUnknown ?? base.onUnknown,
    callTimeoutMs: task?.callTimeoutMs ?? base.callTimeoutMs,
  };
}

export function onceEnv(deps: ActivityDeps, onEvent: OnceEnv['onEvent']): OnceEnv {
  return {
    store: deps.store,
    clock: deps.clock ?? systemClock,
    newCallId: randomUUID,
    onEvent,
  };
}

function report(deps: ActivityDeps, result: OnceResult): InferOutcome {
  if (result.kind === 'retry') {
    throw ApplicationFailure.create({
      type: result.reason,
      message: result.message,
      nextRetryDelay: Math.max(1, Math.ceil(result.afterMs)),
    });
  }
  const store_id = deps.store.id;
  // a run with another input learns nothing of the record that it missed
  if (result.kind === 'mismatch') return { kind: 'mismatch', store_id };
  return {
    kind: result.kind === 'settled' ? 'settled' : 'unsettled',
    record: toRecord(result.row),
    store_id,
    search_attributes: deps.hasSearchAttributes,
    check_after_ms: result.kind === 'settled' ? 0 : result.checkAfterMs,
  };
}

/** Goes on after this activity, for its run has to close first. Best effort: `forget` again erases too. */
function eraseLater(deps: ActivityDeps, key: string): void {
  deps.eraseHistory?.(key).catch(() => {
    deps.log.warn({ job_id: key }, 'history of a forgotten job not erased');
  });
}

/**
 * An attempt whose right to call, or whom Temporal, had given up may have changed the record: the run,
 * which may be on hold, is told to look. It may not know yet that it was given up: its store does. Best
 * effort: the run also looks by itself.
 */
async function wakeRun(deps: ActivityDeps, context: Context): Promise<void> {
  const { workflowId } = context.info.workflowExecution!;
  try {
    await context.client.workflow.getHandle(workflowId).signal(SETTLED_SIGNAL);
  } catch {
    deps.log.info({ job_id: workflowId }, 'no open run to wake');
  }
}
