import type { WorkerOptions } from '@temporalio/worker';

/** Options of the SDK's worker that are compared; what is not named is as infer-once has it. */
export type Tuning = Pick<
  WorkerOptions,
  | 'activityTaskPollerBehavior'
  | 'maxCachedWorkflows'
  | 'maxConcurrentWorkflowTaskExecutions'
  | 'maxEagerActivityReservationsPerWorkflowTask'
  | 'stickyQueueScheduleToStartTimeout'
  | 'workflowTaskPollerBehavior'
  | 'workflowThreadPoolSize'
>;

/** What infer-once's worker is told by the bench. */
export interface OwnWorkerSettings {
  /** As the command `infer-once worker` has it. */
  env: NodeJS.ProcessEnv;
  address: string;
  tuning: Tuning;
  /** Has its starts ask for the first workflow task at once. */
  eagerStart: boolean;
}

/** A job that the worker's own process submits; its answer is told under the same id. */
export interface AskedJob {
  id: string;
  prompt: string;
}

/** How it ended. */
export interface ToldJob {
  id: string;
  text?: string;
  error?: string;
  /** Starts so far whose first workflow task came with the reply. */
  eagerStarts: number;
}
