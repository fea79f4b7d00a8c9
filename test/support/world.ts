import { Client, Connection } from '@temporalio/client';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { DefaultLogger, NativeConnection, Runtime, type Worker } from '@temporalio/worker';
import { JobClient } from '../../src/client';
import { type OfflineModel, startOfflineModel } from '../../src/dev/offline/client';
import { type DevServer, findFreePort, resolveTemporalBinary, startDevServer } from '../../src/dev/temporal';
import { encryptedDataConverter } from '../../src/encryption/data-converter';
import type { EncryptionKeys } from '../../src/encryption/keys';
import type { Policy } from '../../src/once/policy';
import { createProvider } from '../../src/provider/openai';
import { openMemoryStore } from '../../src/store/memory';
import { sealedStore } from '../../src/store/sealed';
import type { ResultStore } from '../../src/store/store';
import { loadTasks } from '../../src/tasks/registry';
import { createJobWorker, type JobWorkerOptions } from '../../src/worker/create';
import { SEARCH_ATTRIBUTES } from '../../src/workflows/attributes';

/** Short times, so that a test of a dead worker does not wait for a default of production. */
export const TEST_POLICY: Policy = {
  onUnknown: 'hold',
  holdForMs: null,
  holdThen: 'fail',
  callTimeoutMs: 20_000,
  leaseMs: 3_000,
  settleMs: 4_000,
  deadlineMs: 24 * 3_600_000,
  retryAfterCapMs: 3_600_000,
};
export const TEST_HEARTBEAT_MS = 2_000;

export interface WorldOptions {
  /** `time-skipping` (default), or `dev`: a real server, for visibility and processes. */
  server?: 'time-skipping' | 'dev';
  /** Default: a store in memory. */
  store?: ResultStore;
  policy?: Partial<Policy>;
  /** Default `stored`: the offline model keeps completions as the OpenAI API does. */
  recovery?: 'stored' | 'background' | 'none';
  searchAttributes?: boolean;
  /** Of the `dev` server. */
  dynamicConfig?: Record<string, number | string>;
  /** Store, client and workers seal with these. */
  encryption?: EncryptionKeys;
}

/** A Temporal server, an offline model in a process of its own with its ledger, a store and a worker. */
export interface World {
  client: Client;
  address: string;
  model: OfflineModel;
  store: ResultStore;
  /** A client with the store. */
  jobs: JobClient;
  /** A client on Temporal alone. */
  bare: JobClient;
  env: TestWorkflowEnvironment | null;
  devServer: DevServer | null;
  /** Starts one more worker in this process; `stop` ends it. */
  addWorker(
    options?: Partial<JobWorkerOptions> & { recovery?: 'stored' | 'background' | 'none' },
  ): Promise<RunningWorker>;
  stop(): Promise<void>;
}

export interface RunningWorker {
  worker: Worker;
  stop(): Promise<void>;
}

let isRuntimeInstalled = false;
/** Why a worker failed: `Worker.run` then rejects with a fault of its own cleaning up, in place of the cause. */
let workerFault: unknown;

/** What Temporal and our worker say is no part of a test's output. */
function quietRuntime(): void {
  if (isRuntimeInstalled) return;
  isRuntimeInstalled = true;
  Runtime.install({
    logger: new DefaultLogger('ERROR', ({ message, meta }) => {
      if (message === 'Worker failed') workerFault = meta?.error;
    }),
    shutdownSignals: [],
    telemetryOptions: { logging: { forward: {} } },
  });
}

export const quietLog = { info: () => undefined, warn: () => undefined, error: () => undefined };

/** Starts a world without a worker; most tests then call `addWorker()`. */
export async function startWorld(options: WorldOptions = {}): Promise<World> {
  quietRuntime();
  const server = await startServer(options);
  const model = await startOfflineModel();
  const store = options.store ?? sealedStore(openMemoryStore(), options.encryption ?? null);
  const { client, nativeConnection, address } = server;
  const stops: (() => Promise<void>)[] = [];

  const addWorker: World['addWorker'] = async ({ recovery, ...overrides } = {}) => {
    const policy = { ...TEST_POLICY, ...options.policy, ...overrides.policy };
    const provider = createProvider({
      baseUrl: model.baseUrl,
      apiKey: 'test-key',
      recovery: recovery ?? options.recovery ?? 'stored',
      callTimeoutMs: policy.callTimeoutMs,
    });
    const worker = await createJobWorker({
      connection: nativeConnection,
      store,
      provider,
      tasks: await loadTasks(),
      heartbeatTimeoutMs: TEST_HEARTBEAT_MS,
      log: quietLog,
      shutdownGraceMs: 1_000,
      ...overrides,
      policy,
    });
    const running = worker.run();
    let stopped: Promise<void> | null = null;
    const stop = () => {
      stopped ??= (async () => {
        worker.shutdown();
        try {
          await running;
        } catch (error) {
          const status = JSON.stringify(worker.getStatus());
          throw new Error(`The worker failed: ${status}`, { cause: workerFault ?? error });
        }
        await provider.close();
      })();
      return stopped;
    };
    stops.push(stop);
    return { worker, stop };
  };

  return {
    client,
    address,
    model,
    store,
    jobs: new JobClient({ client, store }),
    bare: new JobClient({ client }),
    env: server.env,
    devServer: server.devServer,
    addWorker,
    async stop() {
      for (const stop of stops) await stop();
      await server.stop();
      await model.stop();
      await store.close();
    },
  };
}

async function startServer(options: WorldOptions) {
  const dataConverter = encryptedDataConverter(options.encryption);
  if (options.server === 'dev') {
    const devServer = await startDevServer({
      port: await findFreePort(),
      uiPort: await findFreePort(),
      headless: true,
      searchAttributes: options.searchAttributes ? attributeTypes() : undefined,
      dynamicConfig: options.dynamicConfig,
    });
    const { address } = devServer;
    const nativeConnection = await NativeConnection.connect({ address });
    const client = new Client({ connection: await Connection.connect({ address }), dataConverter });
    return {
      client,
      nativeConnection,
      address,
      env: null,
      devServer,
      async stop() {
        await nativeConnection.close();
        await client.connection.close();
        await devServer.stop();
      },
    };
  }
  const path = await resolveTemporalBinary('test-server');
  const env = await TestWorkflowEnvironment.createTimeSkipping({
    server: { executable: { type: 'existing-path', path } },
    client: { dataConverter },
  });
  return {
    client: env.client,
    nativeConnection: env.nativeConnection,
    address: env.address,
    env,
    devServer: null,
    stop: () => env.teardown(),
  };
}

function attributeTypes(): Record<string, string> {
  const names: Record<string, string> = { KEYWORD: 'Keyword', INT: 'Int', DOUBLE: 'Double' };
  return Object.fromEntries(SEARCH_ATTRIBUTES.map(({ name, type }) => [name, names[type] ?? type]));
}
