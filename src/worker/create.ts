import { Client } from '@temporalio/client';
import { type NativeConnection, Worker, type WorkerOptions } from '@temporalio/worker';
import { type ActivityDeps, createActivities } from '../activities';
import { deleteHistory } from '../client/history';
import { untilClosed } from '../client/runs';
import { hasSearchAttributes } from '../client/search-attributes';
import { TASK_QUEUE } from '../job';
import type { JobActivities } from '../workflows/contract';
import { loadWorkflowBundle, workflowSettingsOf } from './bundle';

/** What a worker is made of. */
export interface JobWorkerOptions extends Omit<ActivityDeps, 'hasSearchAttributes'> {
  connection: NativeConnection;
  /** Default `default`. */
  namespace?: string;
  /** Default `inference`. */
  taskQueue?: string;
  /** Calls at once in this worker; default 100. */
  concurrency?: number;
  /** Calls a second over the whole task queue; default no limit. */
  maxRps?: number | null;
  /** How long a stopping worker waits for calls in flight; default 25 s. */
  shutdownGraceMs?: number;
  /** More options of the SDK's worker. */
  worker?: Partial<WorkerOptions>;
}

/** After the grace: time to abort the calls and to write that their outcome is unknown. */
const FORCE_AFTER_MS = 15_000;

/**
 * A worker for `inferenceJob` and its activities.
 *
 * @example
 * const worker = await createJobWorker({ connection, store, provider, tasks, policy, heartbeatTimeoutMs, log });
 * await worker.run();
 */
export async function createJobWorker(options: JobWorkerOptions): Promise<Worker> {
  const { connection, namespace = 'default', concurrency = 100, maxRps, shutdownGraceMs = 25_000 } = options;
  const { policy, heartbeatTimeoutMs, tasks } = options;
  return Worker.create({
    connection,
    namespace,
    taskQueue: options.taskQueue ?? TASK_QUEUE,
    workflowBundle: loadWorkflowBundle(workflowSettingsOf(policy, heartbeatTimeoutMs, tasks)),
    activities: options.worker?.activities ?? (await wireActivities(options)),
    maxConcurrentActivityTaskExecutions: concurrency,
    ...(maxRps && { maxTaskQueueActivitiesPerSecond: maxRps }),
    shutdownGraceTime: shutdownGraceMs,
    shutdownForceTime: shutdownGraceMs + FORCE_AFTER_MS,
    // a job whose worker died waits this long for it before another takes its next step
    stickyQueueScheduleToStartTimeout: '1s',
    // a cancel reaches a call by its heartbeats: let them through as they come
    maxHeartbeatThrottleInterval: heartbeatTimeoutMs / 3,
    ...options.worker,
  });
}

/** The activities that {@link createJobWorker} gives its worker, all they need at hand. */
export async function wireActivities(options: JobWorkerOptions): Promise<JobActivities> {
  const { connection, namespace = 'default' } = options;
  const client = new Client({ connection, namespace });
  const eraseHistory = async (key: string) => {
    await untilClosed(client.workflow.getHandle(key));
    await deleteHistory(client, key);
  };
  return createActivities({
    eraseHistory,
    ...options,
    hasSearchAttributes: await hasSearchAttributes(client),
  });
}
