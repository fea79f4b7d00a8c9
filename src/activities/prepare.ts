import { ApplicationFailure } from '@temporalio/activity';
import { digesterOf } from '../encryption/digester';
import { UserError } from '../errors';
import { type JobArgument, parseJobKey } from '../job';
import { loadPayload } from '../once/record';
import type { JobSeed } from '../once/rules/row';
import type { PreparedCall } from '../once/run';
import type { StoredJob } from '../store/store';
import { checkSchema } from '../tasks/check';
import { renderRequest } from '../tasks/render';
import type { Task } from '../tasks/task';
import type { ActivityDeps } from './deps';

/**
 * What the run's argument says of the job. Its digest is computed here, never taken from the caller.
 *
 * @throws ApplicationFailure `invalid_input` for what can't even be told apart: no input, or no JSON
 */
export function seedOf({ store }: ActivityDeps, key: string, arg: JobArgument, task: Task | null): JobSeed {
  const digester = digesterOf(store.encryption);
  const { jobId } = parseJobKey(key);
  const base = { key, task: arg.task, task_version: task?.version ?? null };
  if (arg.input === undefined && typeof arg.input_ref === 'string') {
    return { ...base, input_digest: digester.keyed(arg.input_ref), input_json: null };
  }
  return { ...base, ...digester.identify(jobId, arg.task, arg.input) };
}

/** Validates the input and renders the request; nothing is spent yet. */
export async function prepareCall(
  deps: ActivityDeps,
  task: Task | null,
  seed: JobSeed,
  row: StoredJob | null,
): Promise<PreparedCall | { refused: string }> {
  if (!task) {
    return {
      refused: `task ${JSON.stringify(seed.task)} is not known to this worker (it knows ${deps.tasks.names().join(', ')})`,
    };
  }
  const checked = checkSchema(task.input, await loadInput(deps, seed, row));
  if ('fault' in checked) return { refused: `it does not fit task ${task.name} ${checked.fault}` };
  const job_id = parseJobKey(seed.key).jobId;
  try {
    const request = renderRequest(task, checked.data, { job_id, model: deps.model });
    const send: PreparedCall['send'] = (context) => deps.provider.send(task, request, context);
    const start = deps.provider.background?.(task, request);
    return start ? { send, start } : { send };
  } catch (e) {
    if (e instanceof UserError) return { refused: e.message };
    throw e;
  }
}

async function loadInput(deps: ActivityDeps, seed: JobSeed, row: StoredJob | null): Promise<unknown> {
  if (seed.input_json !== null) return JSON.parse(seed.input_json);
  if (!row?.input) {
    throw ApplicationFailure.nonRetryable(
      "the argument refers to an input that this worker's store does not hold",
      'invalid_input',
    );
  }
  return JSON.parse(await loadPayload(deps.store, seed.key, row.input));
}
