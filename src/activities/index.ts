import type { JobActivities } from '../workflows/contract';
import type { ActivityDeps } from './deps';
import { infer } from './infer';
import { cancelJob, decideDoubt, readRecord } from './records';

/**
 * The activities of the `inferenceJob` workflow, over a store, a provider and tasks of your choice.
 *
 * @example
 * const worker = await Worker.create({ activities: createActivities(deps), taskQueue: 'inference', … });
 */
export function createActivities(deps: ActivityDeps): JobActivities {
  return {
    infer: (request) => infer(deps, request),
    decideDoubt: (request) => decideDoubt(deps, request),
    cancelJob: (request) => cancelJob(deps, request),
    readRecord: (request) => readRecord(deps, request),
  };
}

export type { ActivityDeps, JobLog } from './deps';
