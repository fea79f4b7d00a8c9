import { ApplicationFailure } from '@temporalio/common';
import { isTaskName, type JobArgument } from '../job';
import type { ResolveRequest } from './contract';

/**
 * Refuses an argument that names no task, e.g. a plain client's `null`: nothing that it says may reach
 * search attributes, which would block the run for good.
 *
 * @throws ApplicationFailure of type `invalid_input`, which fails the run
 */
export function checkArgument(arg: JobArgument): void {
  if (typeof arg === 'object' && arg !== null && isTaskName(arg.task)) return;
  throw ApplicationFailure.nonRetryable(
    'the argument of a job is one object, {"task": "enrich", "input": …}, and this one names no task',
    'invalid_input',
  );
}

/**
 * Refuses a `resolve` that can't be a decision, before it enters history. Whether the doubt that it
 * names is the present one is decided by the store.
 *
 * @throws ApplicationFailure of type `invalid_decision`
 */
export function checkResolve(request: ResolveRequest): void {
  const refuse = (why: string): never => {
    throw ApplicationFailure.nonRetryable(
      `${why}; the form is {"action": "rerun", "doubt": 7, "by": "ann"}`,
      'invalid_decision',
    );
  };
  if (typeof request !== 'object' || request === null) refuse('the decision is no object');
  if (!['rerun', 'adopt', 'adopt_late', 'abandon'].includes(request.action)) {
    refuse('action must be rerun, adopt, adopt_late or abandon');
  }
  // an old or replayed decision must not answer a new doubt: naming it is required
  if (!Number.isSafeInteger(request.doubt)) refuse('doubt must be the number of the doubt, as shown');
  if (request.action === 'adopt' && request.result === undefined) refuse('adopt needs a result');
  if (request.by !== undefined && typeof request.by !== 'string') refuse('by must be a text');
}
