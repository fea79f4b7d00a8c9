import type { EncryptionKeys } from '../encryption/keys';
import { ConfigError } from '../errors';
import { openDynamoStore } from './dynamodb';
import { openMemoryStore } from './memory';
import { openPostgresStore } from './postgres';
import { openRedisStore } from './redis';
import { sealedStore } from './sealed';
import { openText } from './sealed-text';
import { openSqliteStore } from './sqlite';
import type { ResultStore } from './store';

/** How a store is opened. */
export interface StoreOptions {
  /** The keys by which rows and blobs are sealed; null or absent = they are not. */
  encryption?: EncryptionKeys | null;
  /** Make a table of DynamoDB that is missing; default false. The others make theirs by themselves. */
  creates?: boolean;
}

/**
 * Opens the store that a URL names: `postgres://…`, `dynamodb:TABLE` or `redis://…` (any number of machines),
 * `sqlite:PATH` (a local disk, one machine) or `memory:` (one process, gone with it).
 *
 * @example
 * const store = await openStore('sqlite:.infer-once/store.db');
 * @throws ConfigError for a URL that no backend serves; EncryptionKeyMissingError where the store is encrypted and
 *   no keys are given
 */
export async function openStore(
  url: string,
  { encryption = null, creates }: StoreOptions = {},
): Promise<ResultStore> {
  const store = await openBackend(url, { creates });
  try {
    if (!encryption) await refuseSealed(store);
    return sealedStore(store, encryption);
  } catch (error) {
    await store.close();
    throw error;
  }
}

/** Opens a store as it is at rest, without its seals; for upkeep. @throws as {@link openStore} */
export async function openBackend(
  url: string,
  options: Pick<StoreOptions, 'creates'> = {},
): Promise<ResultStore> {
  const scheme = url.slice(0, url.indexOf(':') + 1);
  if (scheme === 'memory:') return openMemoryStore();
  if (scheme === 'sqlite:') return openSqliteStore(url.slice(scheme.length));
  if (scheme === 'postgres:' || scheme === 'postgresql:') return openPostgresStore(url);
  if (scheme === 'dynamodb:') return openDynamoStore(url, options);
  if (scheme === 'redis:' || scheme === 'rediss:') return openRedisStore(url);
  throw new ConfigError(
    `The store URL ${JSON.stringify(redact(url))} names no known store; use sqlite:PATH, postgres://HOST/DATABASE, dynamodb:TABLE, redis://HOST or memory:.`,
  );
}

/** Where the last row that was written is sealed, a process without keys would write the next one in the clear. */
async function refuseSealed(store: ResultStore): Promise<void> {
  const [last] = (await store.list({ limit: 1 })).jobs;
  if (last?.sealed !== undefined) openText(null, { key: last.key, blob: null }, last.sealed);
}

/** A URL without its password, for messages. */
function redact(url: string): string {
  return url.replace(/\/\/.*@/, '//***@');
}
