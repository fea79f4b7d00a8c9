import { randomBytes } from 'node:crypto';
import type { RedisOptions } from 'ioredis';
import { ConfigError } from '../errors';
import { toRedisOpenFault } from './redis-faults';
import { SCRIPTS } from './redis-scripts';
import { RedisStore, type ScriptedRedis } from './redis-store';
import type { ResultStore } from './store';

/** The layout of keys that this one knows; an older process that is still running has to be able to live with a newer. */
const VERSION = 1;

const OPTIONS: RedisOptions = {
  // one protocol for every server; no reply of ours has a type that only the newer one knows
  protocol: 2,
  scripts: Object.fromEntries(Object.entries(SCRIPTS).map(([name, lua]) => [name, { lua }])),
  connectTimeout: 10_000,
  /** A server that says nothing for so long is away. */
  socketTimeout: 10_000,
  keepAlive: 10_000,
  // a server that is still loading says so at once
  enableReadyCheck: false,
  connectionName: 'infer-once',
  disableClientInfo: true,
  // whoever waits for a reply when the connection breaks is told so, and decides again over what is there then
  autoResendUnfulfilledCommands: false,
  maxRetriesPerRequest: 0,
  retryStrategy: (times) => Math.min(times * 50, 1000),
  // a failover keeps the connection to the server that was the primary: the next one is led to the new one
  reconnectOnError: ({ message }) => /\b(READONLY|MASTERDOWN)\b/.test(message),
};

/**
 * Of the connection that texts and lists go over, so that on a slow way no renewal waits behind 20 MB: the server says
 * nothing until such a text is there. It is made when it is first needed.
 */
const FOR_TEXTS: RedisOptions = { socketTimeout: 30_000, lazyConnect: true };

/**
 * Opens the store in a Redis server (6.2 or newer) that keeps what it acknowledged: `appendonly yes` with
 * `appendfsync always`, and `maxmemory-policy noeviction`; `infer-once doctor` says where it is not set so. Any
 * number of machines may have it open. Text that is erased is gone from memory at once; the server's files keep
 * it until they are written anew (`BGREWRITEAOF`, `BGSAVE`).
 *
 * @param url - `redis://USER:PASSWORD@HOST:PORT/DB?prefix=NAME`, `rediss:` for TLS; keys begin with `NAME:`,
 *   default `infer-once`
 * @throws ConfigError where the driver is missing, the URL or the user's rights don't serve; UnreachableError
 *   where the server does not answer
 *
 * @example
 * const store = await openRedisStore('rediss://app:secret@redis.internal/0');
 */
export async function openRedisStore(url: string): Promise<ResultStore> {
  const { name, prefix, options } = parseUrl(url);
  const redis = await connectRedis(name, options);
  try {
    const id = await prepareServer(redis, name, prefix);
    const texts = redis.duplicate(FOR_TEXTS);
    // whoever waits for a reply is told; without a listener the driver writes to the console
    texts.on('error', () => undefined);
    return new RedisStore(id, name, prefix, redis, texts as ScriptedRedis);
  } catch (error) {
    redis.disconnect();
    throw toRedisOpenFault(error, name);
  }
}

/** @returns the store's id */
async function prepareServer(redis: ScriptedRedis, name: string, prefix: string): Promise<string> {
  const id = randomBytes(8).toString('hex');
  const [kept, version] = (await redis.openStore(2, `${prefix}:meta`, `${prefix}:keys`, id, VERSION)) as [
    string | null,
    string,
  ];
  if (!kept) {
    throw new ConfigError(
      `The keys in ${name} are another program's, or a store's that has lost ${prefix}:meta; choose others by ?prefix=NAME in INFER_ONCE_STORE_URL, or bring it back.`,
    );
  }
  if (Number(version) > VERSION) {
    throw new ConfigError(
      `The store in ${name} was made by a newer infer-once (version ${version}, this one knows ${VERSION}); update infer-once on this machine.`,
    );
  }
  return kept;
}

/** Connects, with the first fault of doing so as the error. */
async function connectRedis(name: string, options: RedisOptions): Promise<ScriptedRedis> {
  const { Redis } = await import('ioredis').catch((error: unknown) => {
    throw new ConfigError(
      `The store URL names Redis (${name}), which needs the package ioredis: npm install ioredis.`,
      error,
    );
  });
  const redis = new Redis({ ...OPTIONS, ...options, lazyConnect: true });
  let first: unknown;
  redis.on('error', (error: unknown) => {
    first ??= error;
  });
  try {
    await redis.connect();
    // a number of a database that is not there would else leave us in database 0
    if (first) throw first;
  } catch (error) {
    redis.disconnect();
    // the driver's own says only that the connection is closed
    throw toRedisOpenFault(first ?? error, name);
  }
  return redis as ScriptedRedis;
}

/** What a URL names; `name` is what messages call the server: never its user or password. */
function parseUrl(url: string): { name: string; prefix: string; options: RedisOptions } {
  const looks =
    'it looks like redis://USER:PASSWORD@HOST:6379/0?prefix=NAME, with special characters of the password percent-encoded';
  if (!URL.canParse(url)) throw new ConfigError(`INFER_ONCE_STORE_URL is no URL of Redis; ${looks}.`);
  const { protocol, hostname, port, username, password, pathname, searchParams } = new URL(url);
  const host = hostname.replace(/^\[|\]$/g, '') || 'localhost';
  const name = `${hostname || host}:${port || 6379}${pathname}`;
  const [, db = ''] = pathname.match(/^\/?(\d*)$/) ?? [null, null];
  const decode = (text: string) => {
    try {
      return decodeURIComponent(text);
    } catch {
      throw new ConfigError(
        `The user or password in the store URL of Redis (${name}) can't be read; ${looks}.`,
      );
    }
  };
  const unknown = [...searchParams.keys()].filter((parameter) => parameter !== 'prefix');
  if (db === null || unknown.length > 0) {
    throw new ConfigError(
      `The store URL of Redis (${name}) has ${db === null ? 'a path that is no number of a database' : `the unknown parameter ${unknown[0]}`}; ${looks}.`,
    );
  }
  return {
    name,
    prefix: searchParams.get('prefix') || 'infer-once',
    options: {
      host,
      port: Number(port || 6379),
      db: Number(db),
      ...(username ? { username: decode(username) } : {}),
      ...(password ? { password: decode(password) } : {}),
      ...(protocol === 'rediss:' ? { tls: {} } : {}),
    },
  };
}
