import type { Client, Connection } from '@temporalio/client';
import type { Logger } from 'pino';
import { JobClient, type JobClientOptions } from '../client';
import { connectClient, loadTemporalOptions, temporalAway } from '../client/connect';
import type { Config } from '../config';
import { encryptionKeysOfFile } from '../encryption/keys-file';
import { ConfigError, UserError } from '../errors';
import { countSubmission, MeteredStore, openMetrics, type ProcessMetrics } from '../metrics';
import { providerCopies } from '../provider/copies';
import { createProvider, OPENAI_BASE_URL } from '../provider/openai';
import { openStore } from '../store/open';
import { loadTasks } from '../tasks/registry';
import { openTracing } from '../tracing';
import type { GatewayDeps } from './deps';
import { KeyRing } from './keys/key-ring';
import { checkExposure } from './loopback';
import { buildGateway } from './server';

/** How long Temporal may take to answer at the start, and to a question whether it is there. */
const CONNECT_TIMEOUT_MS = 5_000;

/**
 * Runs the gateway by the environment's configuration until `stop` aborts; then it takes no new connection,
 * answers those who wait with what is known, and lets the others end, `INFER_ONCE_SHUTDOWN_GRACE` at most.
 *
 * @param ready - called with the gateway's address once it listens
 * @throws ConfigError that names what it lacks; UnreachableError where Temporal or the store is away;
 *   UserError `port_in_use`
 */
export async function runGateway(
  config: Config,
  log: Logger,
  stop: AbortSignal,
  ready: (about: { url: string; provider: string }) => void = () => undefined,
): Promise<void> {
  const { deps, close } = await openGateway(config, log);
  try {
    if (stop.aborted) return;
    const app = buildGateway(deps);
    const stopped = new Promise<void>((done) => stop.addEventListener('abort', () => done(), { once: true }));
    const url = await listen(app, config);
    log.info({ url, task_queue: config.taskQueue, tasks: deps.tasks.names() }, 'gateway started');
    ready({ url, provider: new URL(deps.upstream.baseUrl).host });
    await stopped;
    await closeWithin(app, config.shutdownGraceMs);
    log.info({}, 'gateway stopped');
  } finally {
    await close();
  }
}

type App = ReturnType<typeof buildGateway>;

async function listen(app: App, { gateway: { host, port } }: Config): Promise<string> {
  try {
    return await app.listen({ host, port });
  } catch (cause) {
    const isInUse = (cause as NodeJS.ErrnoException).code === 'EADDRINUSE';
    const fault = isInUse ? 'is in use' : `can't be listened on (${(cause as Error).message})`;
    throw new UserError(
      `Port ${port} of ${host} for the gateway ${fault}; stop what listens there or set INFER_ONCE_GATEWAY_PORT.`,
      { code: isInUse ? 'port_in_use' : 'port_unusable', cause },
    );
  }
}

async function closeWithin(app: App, graceMs: number): Promise<void> {
  const force = setTimeout(() => app.server.closeAllConnections(), graceMs);
  try {
    await app.close();
  } finally {
    clearTimeout(force);
  }
}

/** Opens the parts. */
async function openGateway(
  config: Config,
  log: Logger,
): Promise<{ deps: GatewayDeps; close(): Promise<void> }> {
  const { apiKey, baseUrl, recovery, policy } = config;
  const storeUrl = checkStore(config);
  checkExposure(config);
  const keys = config.gateway.keysFile === undefined ? null : new KeyRing(config.gateway.keysFile, log);
  const provider = createProvider({ apiKey, baseUrl, recovery, callTimeoutMs: policy.callTimeoutMs });
  const tasks = await loadTasks(config.tasksModule);
  const temporal = loadTemporalOptions();
  const tracing = await openTracing(config.tracing, 'infer-once-gateway', log);
  const encryption = encryptionKeysOfFile(config.encryptionKeysFile);
  const opened = await openStore(storeUrl, { encryption });
  let counted: ProcessMetrics | undefined;
  try {
    counted = await openMetrics(config.metrics, opened, tasks.names());
    const { metrics, url: metricsUrl } = counted;
    const store = new MeteredStore(opened, metrics);
    if (metricsUrl) log.info({ url: metricsUrl }, 'metrics served');
    const connection = { connectTimeout: CONNECT_TIMEOUT_MS, ...temporal.connection };
    const client = await connectClient(
      { ...temporal, connection },
      { encryption, interceptors: tracing?.clientInterceptors },
    );
    const copies = providerCopies(provider, tasks);
    const deps: GatewayDeps = {
      jobs: clientsByTenant({
        client,
        store,
        provider: copies,
        taskQueue: config.taskQueue,
        log,
        onSubmission: (told) => countSubmission(metrics, told),
      }),
      metrics,
      keys,
      isTraced: tracing !== undefined,
      tasks,
      store,
      config,
      log,
      runsUrl: runsUrl(config, client.options.namespace),
      upstream: { baseUrl: (baseUrl ?? OPENAI_BASE_URL).replace(/\/+$/, ''), apiKey },
      reachTemporal: () => reachTemporal(client, temporal.address),
    };
    const close = async () => {
      keys?.close();
      await tracing?.close();
      await counted?.close();
      await provider.close();
      await store.close();
      // last: Temporal's client throws out of a timer where it meets a closed connection on a retry, and the
      // process ends now
      await client.connection.close();
    };
    return { deps, close };
  } catch (error) {
    keys?.close();
    await tracing?.close();
    await counted?.close();
    await provider.close();
    await opened.close();
    throw error;
  }
}

/** The path is Temporal UI's own; it leads on to the latest run of the workflow id that is put behind it. */
function runsUrl({ gateway: { temporalUiUrl } }: Config, namespace: string): string | null {
  if (temporalUiUrl === undefined) return null;
  return `${temporalUiUrl.replace(/\/+$/, '')}/namespaces/${encodeURIComponent(namespace)}/workflows`;
}

function checkStore({ storeUrl }: Config): string {
  if (storeUrl === null) {
    throw new ConfigError('A gateway needs INFER_ONCE_STORE_URL, e.g. sqlite:/var/lib/infer-once/store.db.');
  }
  if (storeUrl !== 'memory:') return storeUrl;
  throw new ConfigError(
    'memory: is a store of one process, and the workers are others; name one that the gateway shares with them in INFER_ONCE_STORE_URL.',
  );
}

/** One client a tenant: it shares the submissions and waits of those who ask at the same time. */
export function clientsByTenant(options: JobClientOptions): GatewayDeps['jobs'] {
  const clients = new Map<string | null, JobClient>();
  return (tenant) => {
    const client = clients.get(tenant) ?? new JobClient({ ...options, tenant });
    clients.set(tenant, client);
    return client;
  };
}

/** Asks Temporal something small. @throws UnreachableError that names the address */
export async function reachTemporal({ connection }: Client, address: string): Promise<void> {
  const { workflowService } = connection as Connection;
  try {
    await connection.withDeadline(Date.now() + CONNECT_TIMEOUT_MS, () => workflowService.getSystemInfo({}));
  } catch (error) {
    throw temporalAway(address, error);
  }
}
