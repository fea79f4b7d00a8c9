import type { Logger } from 'pino';
import { loadTemporalOptions } from '../client/connect';
import type { Config } from '../config';
import { encryptionKeysOfFile } from '../encryption/keys-file';
import { ConfigError } from '../errors';
import { openMetrics, type ProcessMetrics } from '../metrics';
import { createProvider } from '../provider/openai';
import type { Provider } from '../provider/provider';
import { openStore } from '../store/open';
import { loadTasks } from '../tasks/registry';
import { openTracing } from '../tracing';
import { createJobWorker, type JobWorkerOptions } from './create';
import { connectWorker, installRuntime } from './runtime';

/**
 * Runs a worker by the environment's configuration until `stop` aborts, and then as long as calls in
 * flight take, `INFER_ONCE_SHUTDOWN_GRACE` at most.
 *
 * @param ready - called when the worker polls
 */
export async function runWorker(
  config: Config,
  log: Logger,
  stop: AbortSignal,
  ready: (about: { provider: string }) => void = () => undefined,
): Promise<void> {
  const temporal = loadTemporalOptions();
  const parts = await openParts(config);
  const { provider, store, tasks } = parts;
  const tracing = await openTracing(config.tracing, 'infer-once-worker', log);
  installRuntime(log, config.metrics);
  let counted: ProcessMetrics | undefined;
  try {
    counted = await openMetrics(config.metrics, store, tasks.names());
    const connection = await connectWorker(temporal);
    const { namespace } = temporal;
    const { taskQueue } = config;
    const worker = await createJobWorker({
      ...workerOptions(config, log, { connection, namespace }, parts),
      metrics: counted.metrics,
      tracing,
    });
    const shutdown = () => worker.shutdown();
    if (stop.aborted) return;
    stop.addEventListener('abort', shutdown, { once: true });
    log.info(
      {
        task_queue: taskQueue,
        namespace,
        provider: provider.host,
        tasks: tasks.names(),
        ...(counted.url && { metrics: counted.url }),
      },
      'worker started',
    );
    const running = worker.run();
    ready({ provider: provider.host });
    await running;
    await connection.close();
    log.info({}, 'worker stopped');
  } finally {
    await tracing?.close();
    await counted?.close();
    await provider.close();
    await store.close();
  }
}

/** What a worker holds open. */
export type WorkerParts = Pick<JobWorkerOptions, 'provider' | 'tasks' | 'store'>;

/**
 * Opens what a worker needs beside Temporal, by the configuration; whoever opens it closes it.
 *
 * @throws ConfigError that names all at once that a worker lacks; UnreachableError where the store is away
 */
export async function openParts(config: Config): Promise<WorkerParts> {
  const provider = openProvider(config);
  const tasks = await loadTasks(config.tasksModule);
  const encryption = encryptionKeysOfFile(config.encryptionKeysFile);
  return { provider, tasks, store: await openStore(config.storeUrl!, { encryption }) };
}

/** A worker's options by the configuration, over parts that are open. */
export function workerOptions(
  config: Config,
  log: Logger,
  temporal: Pick<JobWorkerOptions, 'connection' | 'namespace'>,
  parts: WorkerParts,
): JobWorkerOptions {
  const { taskQueue, concurrency, maxRps, shutdownGraceMs, policy, heartbeatTimeoutMs, model } = config;
  return {
    ...temporal,
    ...{ taskQueue, concurrency, maxRps, shutdownGraceMs, policy, heartbeatTimeoutMs, model },
    ...parts,
    log,
  };
}

/** @throws ConfigError that names all at once that a worker lacks */
function openProvider({ storeUrl, policy, apiKey, baseUrl, recovery }: Config): Provider {
  const noStore = storeUrl
    ? null
    : 'A worker needs INFER_ONCE_STORE_URL, e.g. sqlite:/var/lib/infer-once/store.db.';
  try {
    const provider = createProvider({ apiKey, baseUrl, recovery, callTimeoutMs: policy.callTimeoutMs });
    if (noStore === null) return provider;
  } catch (error) {
    if (noStore === null || !(error instanceof ConfigError)) throw error;
    throw new ConfigError(`${noStore} ${error.message}`, error);
  }
  throw new ConfigError(noStore);
}
