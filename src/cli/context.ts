import { existsSync } from 'node:fs';
import type { Client, Connection as ConnectionType } from '@temporalio/client';
import type { JobClient, ProviderCopies } from '../client';
import type { Jobs } from '../client/jobs';
import { type Config, loadConfig } from '../config';
import type { EncryptionKeys } from '../encryption/keys';
import { ConfigError, UnreachableError } from '../errors';
import type { JobLog } from '../log';
import type { ResultStore } from '../store/store';
import { findPlaces, type Places } from './places';

/** What a client command works with: Temporal and the store, or a gateway. */
export interface Context {
  jobs: Jobs;
  /**
   * For what can't be done without Temporal: says soon where it does not answer. A call alone would be
   * tried for most of a minute.
   */
  reachTemporal(): Promise<void>;
}

/** What a command works with that needs the parts themselves. */
export interface PartsContext extends Context {
  config: Config;
  places: Places;
  client: Client;
  store: ResultStore | undefined;
  jobs: JobClient;
}

const CONNECT_TIMEOUT_MS = 5_000;

/** The options that every client command has. */
export interface ClientOptions {
  dataDir?: string;
  json?: boolean;
}

/** How a command opens the parts. */
export interface OpenOptions {
  /** It may make the store: it submits, or sets up. Others would answer a mistyped path with "no jobs". */
  creates?: boolean;
  makeProvider?(config: Config, places: Places): Promise<ProviderCopies | undefined>;
}

/**
 * Opens what the environment names: the gateway of `INFER_ONCE_GATEWAY_URL`, else the parts themselves.
 *
 * @throws ConfigError where a data directory is named, too: one command talks to one of them
 */
export async function withJobs<T>(
  options: ClientOptions,
  use: (context: Context) => Promise<T>,
  open: OpenOptions = {},
): Promise<T> {
  const { gatewayUrl: url, gatewayKey: key } = loadConfig(process.env);
  if (url === undefined) return withParts(options, use, open);
  if (options.dataDir !== undefined) {
    throw new ConfigError('--data-dir and INFER_ONCE_GATEWAY_URL exclude each other; unset one of them.');
  }
  const { GatewayClient } = await import('../gateway-client/index.js');
  const jobs = new GatewayClient({ url, key });
  let reached: Promise<void> | undefined;
  const reachTemporal = () => {
    reached ??= jobs.reach();
    return reached;
  };
  try {
    return await use({ jobs, reachTemporal });
  } finally {
    await jobs.close();
  }
}

/**
 * Opens the configuration, the store and Temporal, hands them to `use`, and closes them.
 *
 * With a store, Temporal is asked only where it has to be: what is on record is told while it is away.
 */
export async function withParts<T>(
  options: ClientOptions,
  use: (context: PartsContext) => Promise<T>,
  { creates, makeProvider }: OpenOptions = {},
): Promise<T> {
  const config = loadConfig(process.env);
  const places = await findPlaces(config, options.dataDir);
  if (!creates) checkStoreExists(places);
  const [
    { connectClient, temporalAway },
    { JobClient },
    { openStore },
    { Client, Connection },
    { encryptedDataConverter },
  ] = await Promise.all([
    import('../client/connect.js'),
    import('../client/index.js'),
    import('../store/open.js'),
    import('@temporalio/client'),
    import('../encryption/data-converter.js'),
  ]);
  const { temporal, storeUrl } = places;
  const encryption = await loadKeys(config);
  const provider = await makeProvider?.(config, places);
  const store = storeUrl === null ? undefined : await openStore(storeUrl, { encryption, creates });
  try {
    const { namespace } = temporal;
    const connection = { connectTimeout: CONNECT_TIMEOUT_MS, ...temporal.connection };
    const client = store
      ? new Client({
          connection: Connection.lazy(connection),
          namespace,
          dataConverter: encryptedDataConverter(encryption),
        })
      : await connectClient({ ...temporal, connection }, { encryption });
    try {
      const jobs = new JobClient({
        client,
        store,
        provider,
        taskQueue: config.taskQueue,
        log: await askedLog(config),
      });
      const reachTemporal = async () => {
        await (client.connection as ConnectionType).ensureConnected().catch((error: unknown) => {
          throw temporalAway(temporal.address, error);
        });
      };
      return await use({ config, places, client, store, jobs, reachTemporal });
    } catch (error) {
      const isAway = error instanceof UnreachableError && error.part === 'temporal';
      // the client's own sentence does not know the address
      throw isAway ? temporalAway(temporal.address, error) : error;
    } finally {
      await client.connection.close();
    }
  } finally {
    await store?.close();
  }
}

async function loadKeys({ encryptionKeysFile }: Config): Promise<EncryptionKeys | null> {
  if (encryptionKeysFile === undefined) return null;
  const { loadEncryptionKeys } = await import('../encryption/keys-file.js');
  return loadEncryptionKeys(encryptionKeysFile);
}

function checkStoreExists({ storeUrl }: Places): void {
  const path = storeUrl?.startsWith('sqlite:') ? storeUrl.slice('sqlite:'.length) : null;
  if (!path || existsSync(path)) return;
  throw new ConfigError(
    `There is no store at ${path}; check INFER_ONCE_STORE_URL (infer-once setup, a worker or a submission makes one).`,
  );
}

/** The log lines of a client command are for who asked for them: its answer says enough otherwise. */
async function askedLog({ logLevel }: Config): Promise<JobLog | undefined> {
  if (!process.env.INFER_ONCE_LOG_LEVEL?.trim()) return undefined;
  const { createLogger } = await import('../log.js');
  return createLogger(logLevel);
}

/**
 * Checks before anything is submitted that the task is known here. Its schema is not asked: a worker's
 * newer version may take more. A gateway says itself which tasks it knows.
 *
 * @throws UnknownTaskError, or ConfigError where INFER_ONCE_TASKS does not load
 */
export async function checkTask(name: string): Promise<void> {
  const { loadTasks } = await import('../tasks/registry.js');
  const { gatewayUrl, tasksModule } = loadConfig(process.env);
  if (gatewayUrl === undefined) (await loadTasks(tasksModule)).get(name);
}
