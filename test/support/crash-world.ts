import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import type { JobClient } from '../../src/client';
import type { HistoryEvent, Violation } from '../../src/dev/check-history';
import { type OfflineModel, startOfflineModel } from '../../src/dev/offline/client';
import type { Route, Rule, RuleAction } from '../../src/dev/offline/protocol';
import { type DevServer, findFreePort, startDevServer } from '../../src/dev/temporal';
import type { OnUnknown } from '../../src/once/policy';
import { openStore } from '../../src/store/open';
import type { ResultStore } from '../../src/store/store';
import { brokenPromises } from './crash-history';
import type { CrashHow, Failpoint } from './crash-points';
import { ObservedJobs } from './observed-jobs';
import { spawnWorker, type WorkerProcess, type WorkerProgram } from './worker-process';

/** Short times, so that a dead worker is missed soon. In the order that the configuration asks for. */
const TIMES = {
  INFER_ONCE_LEASE: '2s',
  INFER_ONCE_HEARTBEAT_TIMEOUT: '1500ms',
  INFER_ONCE_CALL_TIMEOUT: '1m',
  INFER_ONCE_SETTLE: '2s',
};

/** As in production, for what has no death in it: a machine that is busy then puts no job in doubt. */
export const STEADY = { INFER_ONCE_LEASE: '15s', INFER_ONCE_HEARTBEAT_TIMEOUT: '10s' };

/** How to start a worker process. */
export interface WorkerSpec {
  recovery?: 'stored' | 'background' | 'none';
  onUnknown?: OnUnknown;
  crash?: { at: Failpoint | 'never'; how?: CrashHow; times?: number };
  /** Default `failpoints`; `command` knows no `crash`. */
  program?: WorkerProgram;
  /** More of the product's environment, e.g. `INFER_ONCE_SHUTDOWN_GRACE`. */
  env?: Record<string, string>;
}

/** A task queue with a store of its own: what happens in it disturbs no other. */
export interface Lane {
  taskQueue: string;
  storeUrl: string;
  /** Of a SQLite store. */
  storeFile: string;
  store: ResultStore;
  /** A client with the store, which writes down what it is told. */
  jobs: JobClient;
  /** Starts a worker process on this queue, and resolves when it polls. */
  startWorker(spec?: WorkerSpec): Promise<WorkerProcess>;
  /** Has a healthy process serve this queue beside those of other lanes: a second of CPU less for each. */
  startHeir(spec: Omit<WorkerSpec, 'crash'>): Promise<void>;
}

/** A real Temporal dev server and the offline model with its ledger, both processes; workers are too. */
export interface CrashWorld {
  folder: string;
  address: string;
  client: Client;
  model: OfflineModel;
  /**
   * What the model does with every call of this job, or with other requests about it (`route`); null = it
   * answers. All other rules stay.
   */
  setRule(jobId: string, action: RuleAction | null, route?: Route): Promise<void>;
  /** Holds every call of this job at the model until {@link CrashWorld.letGo}. */
  holdCalls(jobId: string): Promise<void>;
  /** Lets the held call of this job, and all later ones, go on. */
  letGo(jobId: string): Promise<void>;
  /** Kills the Temporal server by SIGKILL and starts another on the same port and file. */
  restartServer(): Promise<void>;
  openLane(name: string): Promise<Lane>;
  /** What the clients of all lanes were told so far. */
  readonly seen: HistoryEvent[];
  /** Promises that were broken to any job of this world; calls that are under way end first. */
  brokenPromises(): Promise<Violation[]>;
  stop(): Promise<void>;
}

/** How to start a world. */
export interface CrashWorldOptions {
  /** Search attributes to register, e.g. `{ JobTask: 'Keyword' }`. */
  searchAttributes?: Record<string, string>;
  /** What the store's driver is told in each worker; default nothing. */
  storeEnv?: Record<string, string>;
  /** Makes a new store of this name; gives its URL. Default: a SQLite file. */
  makeStore?(name: string): Promise<string>;
  /** Keep Temporal's state in a file, so that it outlives its server. */
  persistent?: boolean;
}

/** Starts a world without a worker. */
export async function startCrashWorld(options: CrashWorldOptions = {}): Promise<CrashWorld> {
  const folder = mkdtempSync(join(tmpdir(), 'infer-once-crash-'));
  const startServer = await prepareServer(folder, options);
  const [first, model] = await Promise.all([startServer(), startOfflineModel()]);
  let server = first;
  const { address } = server;
  const connection = await Connection.connect({ address });
  const client = new Client({ connection });
  const workers: WorkerProcess[] = [];
  const stores: ResultStore[] = [];
  const seen: HistoryEvent[] = [];
  const heirs = new Map<string, Promise<WorkerProcess>>();
  const setRule = keepRules(model);

  const makeStore = options.makeStore ?? (async (name) => `sqlite:${join(folder, name)}.db`);

  async function startWorker(taskQueue: string, storeUrl: string, spec: WorkerSpec) {
    const env = {
      TEMPORAL_ADDRESS: address,
      OPENAI_BASE_URL: model.baseUrl,
      OPENAI_API_KEY: 'none',
      INFER_ONCE_STORE_URL: storeUrl,
      INFER_ONCE_TASK_QUEUE: taskQueue,
      ...options.storeEnv,
      ...TIMES,
      ...environmentOf(spec),
    };
    const logFile = join(folder, `${taskQueue}.${workers.length}.log`);
    const worker = spawnWorker(logFile, env, spec.program ?? 'failpoints');
    workers.push(worker);
    await worker.said(`serves ${taskQueue}`);
    return worker;
  }

  async function openLane(name: string): Promise<Lane> {
    const storeUrl = await makeStore(name);
    const store = await openStore(storeUrl);
    stores.push(store);
    return {
      ...{ taskQueue: name, storeUrl, storeFile: storeUrl.slice('sqlite:'.length), store },
      jobs: new ObservedJobs({ client, store, taskQueue: name }, seen),
      startWorker: (spec = {}) => startWorker(name, storeUrl, spec),
      async startHeir(spec) {
        const kind = JSON.stringify(spec);
        const own = `heir-${heirs.size}`;
        const heir = heirs.get(kind) ?? makeStore(own).then((url) => startWorker(own, url, spec));
        heirs.set(kind, heir);
        (await heir).tell(`${name} ${storeUrl}`);
        await (await heir).said(`serves ${name}`);
      },
    };
  }

  return {
    ...{ folder, address, client, model, openLane, setRule, seen },
    async brokenPromises() {
      await model.waitForState(({ in_flight }) => in_flight.length === 0);
      return brokenPromises(model, stores, seen);
    },
    holdCalls: (jobId) => setRule(jobId, { hold: true }),
    async letGo(jobId) {
      // the rule goes first: else a call that comes in between is held for good
      await setRule(jobId, null);
      await model.release(jobId);
    },
    async restartServer() {
      process.kill(server.pid, 'SIGKILL');
      await server.exited;
      server = await startServer();
    },
    async stop() {
      await Promise.all(workers.map((worker) => worker.kill()));
      for (const store of stores) await store.close();
      await connection.close();
      await Promise.all([server.stop(), model.stop()]);
      if (!process.env.KEEP_CRASH_LOGS) rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function prepareServer(
  folder: string,
  { searchAttributes, persistent }: CrashWorldOptions,
): Promise<() => Promise<DevServer>> {
  const [port, uiPort] = [await findFreePort(), await findFreePort()];
  const dbFilename = persistent ? join(folder, 'temporal.db') : undefined;
  return () => startDevServer({ port, uiPort, headless: true, searchAttributes, dbFilename });
}

/** One rule a job and route; the model takes whole lists only, so they are sent one after the other. */
function keepRules(model: OfflineModel): CrashWorld['setRule'] {
  const rules = new Map<string, Rule>();
  let sent = Promise.resolve();
  return (job_id, action, route = 'create') => {
    const name = `${route} ${job_id}`;
    if (action) rules.set(name, { match: { route, job_id }, do: action });
    else rules.delete(name);
    sent = sent.then(() => model.rules(...rules.values()));
    return sent;
  };
}

function environmentOf({ recovery = 'stored', onUnknown = 'hold', crash, env }: WorkerSpec) {
  return {
    INFER_ONCE_RECOVERY: recovery,
    INFER_ONCE_ON_UNKNOWN: onUnknown,
    ...(crash && {
      CRASH_AT: crash.at,
      CRASH_HOW: crash.how ?? 'kill',
      CRASH_TIMES: String(crash.times ?? 1),
    }),
    ...env,
  };
}
