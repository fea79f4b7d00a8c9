import { ApplicationFailure, Context } from '@temporalio/activity';
import type { JobArgument, JobRecord } from '../job';
import { toRecord } from '../once/record';
import { cancel, type Decision, decide } from '../once/rules/decide';
import type { ResolveRequest, StoreRef } from '../workflows/contract';
import type { ActivityDeps } from './deps';
import { findTask, jobKeyOf, refuseOtherStore, toFailure } from './infer';
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
    const { job: row } = await deps.store.read(key);
    const task = row && findTask(deps, row.task);
    if (request.action === 'adopt' && task) {
      const parsed = task.output.safeParse(request.result);
      if (!parsed.success) {
        const issue = parsed.error.issues[0];
        const path = ['result', ...(issue?.path ?? []).map(String)].join('.');
        throw ApplicationFailure.nonRetryable(
          `the adopted result does not fit task ${row.task}: ${path}: ${issue?.message}`,
          'invalid_decision',
        );
      }
    }
    const decided = await deps.store.update(key, decide(toDecision(request)));
    if (decided.kind === 'refused') throw ApplicationFailure.nonRetryable(decided.why, 'wrong_state');
    logEvent(
      deps.log,
      { event: 'decided', key, reason: request.action, status: decided.row.status },
      context.info.attempt,
    );
    return toRecord(decided.row);
  } catch (error) {
    throw toFailure(error);
  }
}

function toDecision({ action, doubt, by = 'unknown', result }: ResolveRequest): Decision {
  return action === 'adopt' ? { action, doubt, by, result } : { action, doubt, by };
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
    logEvent(deps.log, { event: 'canceled', key, status: row.status }, context.info.attempt);
    return toRecord(row);
  } catch (error) {
    throw toFailure(error);
  }
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
    throw toFailure(error);
  }
}
