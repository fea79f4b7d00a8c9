import { join } from 'node:path';
import { Client } from '@temporalio/client';
import type { NativeConnection, Worker } from '@temporalio/worker';
import type { ResultStore } from '../../src/store/store';
import type { AskedJob, OwnWorkerSettings, ToldJob, Tuning } from './infer-once-contract';
import type { Work } from './main';

// the build, as it runs in production
const fromDist = <T>(path: string): T => require(join(__dirname, '..', '..', 'dist', path)) as T;
const { JobClient } = fromDist<typeof import('../../src/client')>('client');
const { loadConfig } = fromDist<typeof import('../../src/config')>('config');
const { createLogger } = fromDist<typeof import('../../src/log')>('log');
const { createJobWorker } = fromDist<typeof import('../../src/worker/create')>('worker/create');
const { openParts, workerOptions } = fromDist<typeof import('../../src/worker/run')>('worker/run');
const { connectWorker, installRuntime } =
  fromDist<typeof import('../../src/worker/runtime')>('worker/runtime');

/**
 * infer-once's worker, wired by its own code, with other options of the SDK's; it tells which those are then. It also
 * submits jobs, over the worker's own connection, where it is asked to.
 */
export const work: Work = async (settings) => {
  const { env, address, tuning, eagerStart } = settings as unknown as OwnWorkerSettings;
  const config = loadConfig(env);
  const log = createLogger(config.logLevel);
  installRuntime(log, config.metrics);
  const namespace = 'default';
  const connection = await connectWorker({ connection: { address }, address, namespace });
  const parts = await openParts(config);
  const options = workerOptions(config, log, { connection, namespace }, parts);
  const worker = await createJobWorker({ ...options, worker: tuning });
  worker.run().catch((error: unknown) => {
    console.error(error);
    process.exit(1);
  });
  answerJobs(connection, parts.store, config.taskQueue, eagerStart);
  return tuningOf(worker);
};

function answerJobs(
  connection: NativeConnection,
  store: ResultStore,
  taskQueue: string,
  eagerStart: boolean,
): void {
  let eagerStarts = 0;
  const asking = {
    async startWithDetails(input, next) {
      const out = await next({ ...input, options: { ...input.options, requestEagerStart: eagerStart } });
      if (out.eagerlyStarted) eagerStarts += 1;
      return out;
    },
  } satisfies import('@temporalio/client').WorkflowClientInterceptor;
  const client = new Client({ connection, interceptors: { workflow: [asking] } });
  const jobs = new JobClient({ client, store, taskQueue });
  process.on('message', ({ id, prompt }: AskedJob) => {
    const tell = (how: Pick<ToldJob, 'text' | 'error'>) => process.send!({ id, eagerStarts, ...how });
    jobs.run({ job_id: id, task: 'prompt', input: { prompt } }).then(
      ({ result }) => tell(result as { text: string }),
      (error: Error) => tell({ error: error.message }),
    );
  });
}

/** The options as the SDK took them, its own defaults too. */
function tuningOf({ options }: Worker): Tuning {
  return {
    workflowTaskPollerBehavior: options.workflowTaskPollerBehavior,
    activityTaskPollerBehavior: options.activityTaskPollerBehavior,
    maxCachedWorkflows: options.maxCachedWorkflows,
    maxConcurrentWorkflowTaskExecutions: slotsOf(options.tuner.workflowTaskSlotSupplier),
    maxEagerActivityReservationsPerWorkflowTask: options.maxEagerActivityReservationsPerWorkflowTask,
    stickyQueueScheduleToStartTimeout: options.stickyQueueScheduleToStartTimeoutMs,
    workflowThreadPoolSize: options.workflowThreadPoolSize,
  };
}

function slotsOf(supplier: object): number | undefined {
  return 'numSlots' in supplier ? Number(supplier.numSlots) : undefined;
}
