import { setMaxListeners } from 'node:events';
import { Client } from '@temporalio/client';
import { type NativeConnection, Worker, type WorkerOptions } from '@temporalio/worker';
import { type ActivityDeps, createActivities } from '../activities';
import { deleteHistory } from '../client/history';
import { untilClosed } from '../client/runs';
import { hasSearchAttributes } from '../client/search-attributes';
import { encryptedDataConverter } from '../encryption/data-converter';
import { TASK_QUEUE } from '../job';
import type { Metrics } from '../metrics';
import type { Tracing } from '../tracing';
import { loadWorkflowBundle, workflowSettingsOf } from './bundle';
import { metered } from './metered';
import { traced } from './traced';

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
  /** Counts what this worker does; default nobody. */
  metrics?: Metrics;
  /** Tells OpenTelemetry of what this worker does; default nobody. */
  tracing?: Tracing;
  /** More options of the SDK's worker. */
  worker?: Partial<WorkerOptions>;
}

/** After the grace: time to abort the calls and to write that their outcome is unknown. */
const FORCE_AFTER_MS = 15_000;

/**
 * A worker for `inferenceJob` and its activities. Where its store is encrypted, so is what it tells Temporal.
 *
 * @example
 * const worker = await createJobWorker({ connection, store, provider, tasks, policy, heartbeatTimeoutMs, log });
 * await worker.run();
 */
export async function createJobWorker(given: JobWorkerOptions): Promise<Worker> {
  const counted = given.metrics ? metered(given, given.metrics) : given;
  const options = counted.tracing ? traced(counted, counted.tracing) : counted;
  const { connection, namespace = 'default', concurrency = 100, maxRps, shutdownGraceMs = 25_000 } = options;
  const { policy, heartbeatTimeoutMs, tasks } = options;
  const { encryption } = options.store;
  const dataConverter = options.worker?.dataConverter ?? encryptedDataConverter(encryption);
  const client = new Client({ connection, namespace, dataConverter });
  const eraseHistory = async (key: string) => {
    await untilClosed(client.workflow.getHandle(key));
    await deleteHistory(client, key);
  };
  const graceIsOver = new AbortController();
  // each attempt listens
  setMaxListeners(0, graceIsOver.signal);
  const deps: ActivityDeps = {
    eraseHistory,
    shutdown: graceIsOver.signal,
    ...options,
    hasSearchAttributes: await hasSearchAttributes(client),
  };
  const worker = await Worker.create({
    connection,
    namespace,
    taskQueue: options.taskQueue ?? TASK_QUEUE,
    workflowBundle: loadWorkflowBundle(
      workflowSettingsOf(policy, heartbeatTimeoutMs, tasks, Boolean(encryption)),
      options.tracing !== undefined,
    ),
    ...(dataConverter && { dataConverter }),
    activities: createActivities(deps),
    maxConcurrentActivityTaskExecutions: concurrency,
    ...(maxRps && { maxTaskQueueActivitiesPerSecond: maxRps }),
    shutdownGraceTime: shutdownGraceMs,
    shutdownForceTime: shutdownGraceMs + FORCE_AFTER_MS,
    // a job whose worker died waits this long for it before another takes its next step; the SDK's 10 s are no faster.
    // Pollers and cache are the SDK's own: no others are better (docs/bench.md, Settings)
    stickyQueueScheduleToStartTimeout: '1s',
    // a cancel reaches a call by its heartbeats: let them through as they come
    maxHeartbeatThrottleInterval: heartbeatTimeoutMs / 3,
    ...options.worker,
  });
  abortAfterGrace(worker, shutdownGraceMs, graceIsOver);
  return worker;
}

const LOOK_EVERY_MS = 1_000;

/** The SDK has no event for a worker that was told to stop. */
function abortAfterGrace(worker: Worker, graceMs: number, graceIsOver: AbortController): void {
  const look = setInterval(() => {
    const state = worker.getState();
    if (state === 'INITIALIZED' || state === 'RUNNING') return;
    clearInterval(look);
    setTimeout(() => graceIsOver.abort(), graceMs).unref();
  }, LOOK_EVERY_MS).unref();
}
