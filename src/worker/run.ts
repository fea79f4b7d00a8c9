import type { Logger } from 'pino';
import { loadTemporalOptions } from '../client/connect';
import type { Config } from '../config';
import { ConfigError } from '../errors';
import { createProvider } from '../provider/openai';
import type { Provider } from '../provider/provider';
import { openStore } from '../store/open';
import { loadTasks } from '../tasks/registry';
import { createJobWorker } from './create';
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
  const provider = openProvider(config);
  const storeUrl = config.storeUrl!;
  const tasks = await loadTasks(config.tasksModule);
  const { policy, heartbeatTimeoutMs, model } = config;
  const temporal = loadTemporalOptions();
  installRuntime(log);
  const store = await openStore(storeUrl);
  try {
    const connection = await connectWorker(temporal);
    const { namespace } = temporal;
    const { taskQueue, concurrency, maxRps, shutdownGraceMs } = config;
    const worker = await createJobWorker({
      connection,
      namespace,
      taskQueue,
      concurrency,
      maxRps,
      shutdownGraceMs,
      store,
      provider,
      tasks,
      policy,
      heartbeatTimeoutMs,
      model,
      log,
    });
    const shutdown = () => worker.shutdown();
    if (stop.aborted) return;
    stop.addEventListener('abort', shutdown, { once: true });
    log.info(
      { task_queue: taskQueue, namespace, provider: provider.host, tasks: tasks.names() },
      'worker started',
    );
    const running = worker.run();
    ready({ provider: provider.host });
    await running;
    await connection.close();
    log.info({}, 'worker stopped');
  } finally {
    await provider.close();
    await store.close();
  }
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
