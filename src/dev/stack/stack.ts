import { join, resolve } from 'node:path';
import { encryptionKeysOfFile } from '../../encryption/keys-file';
import { UserError } from '../../errors';
import { openStore } from '../../store/open';
import { SEARCH_ATTRIBUTES } from '../../workflows/attributes';
import { type OfflineModel, type OfflineModelOptions, startOfflineModel } from '../offline';
import { type DevServer, startDevServer } from '../temporal';
import { absoluteStoreUrl, devStoreUrl, removeDevFile, writeDevFile } from './dev-file';
import { claimDataDir, releaseDataDir } from './dir-lock';
import { placeEnv, stackEnv } from './worker-env';
import { WorkerPool, type WorkerPoolOptions } from './worker-pool';
import type { Part, WorkerEnd } from './worker-process';

/** How to start a stack. Everything listens on 127.0.0.1. */
export interface StackOptions {
  /** Holds Temporal's database, the store, the offline model's ledger and `dev.json`. */
  dataDir: string;
  /** Default 7233. */
  temporalPort?: number;
  /** Default 8233; unused where `headless`. */
  uiPort?: number;
  /** Leave Temporal's UI out. Default false. */
  headless?: boolean;
  /** The gateway's port; absent = no gateway. 0 = any that is free. */
  gatewayPort?: number;
  /** Worker processes; default 1. */
  workers?: number;
  /** Default: the SQLite file in `dataDir`. */
  storeUrl?: string;
  /**
   * Given: the workers use the offline model, with these options. Absent: only where the environment has
   * neither OPENAI_API_KEY nor OPENAI_BASE_URL.
   */
  offline?: OfflineModelOptions;
  /** What workers are told beside this process's environment, e.g. `{ INFER_ONCE_LEASE: '3s' }`. */
  env?: Record<string, string>;
  /** Every line that a worker or the gateway writes on stderr; default: on to this process's stderr. */
  onWorkerLine?(line: string): void;
  /** A worker or the gateway died; another takes its place. */
  onWorkerDeath?(pid: number, end: WorkerEnd, part: Part): void;
}

/** A stack whose every part answers. */
export interface Stack {
  readonly temporalAddress: string;
  /** Where people look at runs; null where headless. */
  readonly uiUrl: string | null;
  /** Null where there is no gateway. */
  readonly gatewayUrl: string | null;
  readonly storeUrl: string;
  /** The provider's host, and whether it is the stand-in. */
  readonly provider: { host: string; isStandIn: boolean };
  /** The offline model with its ledger and rules; null where a real provider is used. */
  readonly offline: OfflineModel | null;
  /** For a process beside it, such as a command of the command line. */
  readonly env: NodeJS.ProcessEnv;
  /** The worker processes that are there now. */
  workers(): { pid: number; isReady: boolean }[];
  /** The gateway's process that is there now; null where there is none. */
  gateway(): { pid: number; isReady: boolean } | null;
  /** Kills a worker as a crash would (SIGKILL); resolves when it is dead. It is replaced by itself. */
  killWorker(index?: number): Promise<void>;
  /** Resolves when every worker polls, e.g. after a kill. */
  untilWorkersReady(): Promise<void>;
  /** Resolves with the reason when a part has ended that can't be replaced; then `stop` it. */
  readonly failed: Promise<UserError>;
  /** Ends every part: workers first, with their grace. Calling it again kills what is left of them. */
  stop(): Promise<void>;
}

const NAMESPACE = 'default';

/**
 * Starts Temporal's dev server, the offline model and the gateway where they are wanted, and workers, and resolves when all
 * answer. Nothing of it outlives this process.
 *
 * @throws UserError: a port or the data directory is in use, a part does not start, or the workers'
 *   configuration can't be used; everything is stopped again then
 *
 * @example
 * const stack = await startStack({ dataDir: '.infer-once', headless: true, workers: 2 });
 * try {
 *   await stack.killWorker();
 *   await stack.untilWorkersReady();
 * } finally {
 *   await stack.stop();
 * }
 */
export async function startStack(options: StackOptions): Promise<Stack> {
  claimDataDir(options.dataDir);
  const parts = new Parts(options);
  try {
    return await parts.start();
  } catch (error) {
    await parts.stop();
    throw error;
  }
}

/** The parts that have been started, in the order in which they are stopped. */
class Parts {
  private server: DevServer | undefined;
  private offline: OfflineModel | undefined;
  private pool: WorkerPool | undefined;
  private gateway: WorkerPool | undefined;

  constructor(private readonly options: StackOptions) {}

  async start(): Promise<Stack> {
    const { options } = this;
    const { dataDir, headless = false } = options;
    const storeUrl = absoluteStoreUrl(options.storeUrl ?? devStoreUrl(dataDir));
    const own: NodeJS.ProcessEnv = { ...process.env, ...options.env };
    const server = await this.startServer();
    const offline = await this.startOffline();
    // made before the workers come, so that they don't all make it
    const encryption = encryptionKeysOfFile(own.INFER_ONCE_ENCRYPTION_KEYS_FILE?.trim() || undefined);
    await (await openStore(storeUrl, { encryption, creates: true })).close();
    const uiUrl = headless ? null : server.uiUrl;
    const offlineBaseUrl = offline?.baseUrl ?? null;
    const { address: temporalAddress } = server;
    const noConfigFile = resolve(dataDir, 'no-temporal-profile.toml');
    const addresses = { temporalAddress, namespace: NAMESPACE, storeUrl, offlineBaseUrl, noConfigFile };
    const env = stackEnv(addresses, own);
    const { workers = 1 } = options;
    const pool = this.startPool('worker', workers, (place) => placeEnv(env, place));
    this.pool = pool;
    this.gateway = this.startGateway(placeEnv(env, workers), uiUrl);
    await pool.untilReady();
    await this.gateway?.untilReady();
    const gatewayUrl = this.gateway?.url ?? null;
    writeDevFile(dataDir, {
      pid: process.pid,
      temporal_address: temporalAddress,
      namespace: NAMESPACE,
      store_url: storeUrl,
      ui_url: uiUrl,
      gateway_url: gatewayUrl,
      offline_base_url: offlineBaseUrl,
    });
    return {
      temporalAddress,
      uiUrl,
      gatewayUrl,
      storeUrl,
      provider: { host: pool.provider, isStandIn: offline !== null },
      offline,
      env,
      workers: () => pool.workers,
      gateway: () => this.gateway?.workers[0] ?? null,
      killWorker: (index) => pool.kill(index),
      untilWorkersReady: () => pool.untilReady(),
      failed: Promise.race([
        pool.failed,
        ...(this.gateway ? [this.gateway.failed] : []),
        server.exited.then((code) => partEnded("Temporal's dev server", 'temporal_ended', code)),
        ...(offline
          ? [offline.exited.then((code) => partEnded('The offline model', 'offline_model_failed', code))]
          : []),
      ]),
      stop: () => this.stop(),
    };
  }

  /** The gateway first: who waits there is told; then the workers, who write down how their calls ended. */
  async stop(): Promise<void> {
    await this.gateway?.stop();
    await this.pool?.stop();
    await this.offline?.stop();
    await this.server?.stop();
    removeDevFile(this.options.dataDir);
    releaseDataDir(this.options.dataDir);
  }

  private startPool(part: Part, workers: number, env: WorkerPoolOptions['env']): WorkerPool {
    const { onWorkerLine: onLine, onWorkerDeath } = this.options;
    return new WorkerPool({
      part,
      workers,
      env,
      onLine: onLine ?? ((line) => void process.stderr.write(`${line}\n`)),
      onDeath: (pid, end) => onWorkerDeath?.(pid, end, part),
    });
  }

  private startGateway(env: NodeJS.ProcessEnv, uiUrl: string | null): WorkerPool | undefined {
    const { gatewayPort } = this.options;
    if (gatewayPort === undefined) return undefined;
    const own = {
      INFER_ONCE_GATEWAY_HOST: '127.0.0.1',
      INFER_ONCE_GATEWAY_PORT: String(gatewayPort),
      // the environment's own would be that of another server
      INFER_ONCE_TEMPORAL_UI_URL: uiUrl ?? '',
      // people open it by either name
      INFER_ONCE_CODEC_ORIGINS:
        env.INFER_ONCE_CODEC_ORIGINS || (uiUrl ? `${uiUrl},${uiUrl.replace('127.0.0.1', 'localhost')}` : ''),
    };
    return this.startPool('gateway', 1, () => ({ ...env, ...own }));
  }

  private async startServer(): Promise<DevServer> {
    const { dataDir, temporalPort = 7233, uiPort = 8233, headless = false } = this.options;
    this.server = await startDevServer({
      port: temporalPort,
      uiPort,
      headless,
      dbFilename: join(dataDir, 'temporal.db'),
      searchAttributes: Object.fromEntries(SEARCH_ATTRIBUTES.map(({ name, type }) => [name, spell(type)])),
    });
    return this.server;
  }

  private async startOffline(): Promise<OfflineModel | null> {
    const { dataDir, offline: wanted } = this.options;
    const hasProvider = process.env.OPENAI_API_KEY?.trim() || process.env.OPENAI_BASE_URL?.trim();
    if (!wanted && hasProvider) return null;
    this.offline = await startOfflineModel({ ledger: join(dataDir, 'offline-ledger.jsonl'), ...wanted });
    return this.offline;
  }
}

/** `KEYWORD` as the `temporal` program spells it, `Keyword`. */
function spell(type: string): string {
  return type.charAt(0) + type.slice(1).toLowerCase();
}

function partEnded(part: string, code: string, exitCode: number | null): UserError {
  const how = exitCode === null ? 'by a signal' : `with code ${exitCode}`;
  return new UserError(`${part} ended by itself (${how}); start again.`, { code });
}
