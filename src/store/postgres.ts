import type { Pool, PoolConfig } from 'pg';
import { ConfigError } from '../errors';
import { refusesSettings, toPostgresOpenFault } from './postgres-faults';
import { PostgresQueries } from './postgres-queries';
import { prepareDatabase } from './postgres-schema';
import { PREFER_INDEXES } from './postgres-statements';
import { PostgresStore } from './postgres-store';
import type { ResultStore } from './store';

/** Connections at once; a claim holds one for a few milliseconds, a call for none. */
const POOL_SIZE = 16;

const TIMES = {
  /** Also how long a query waits for a connection of the pool to be free. */
  connectionTimeoutMillis: 10_000,
  /** A server that says nothing for so long is away; it gives up at the same time, so that no lock stays. */
  query_timeout: 30_000,
  statement_timeout: 30_000,
  idleTimeoutMillis: 60_000,
};

/** A pooler takes no time-out of a session, which it shares: there only this side gives up. */
type Times = { [time in keyof typeof TIMES]: number | undefined };

/**
 * Opens the store in a PostgreSQL database (14 or newer), and makes its schema `infer_once` where it is
 * missing. Any number of machines may have it open. Every write is durable when its promise resolves, also
 * where the server is set to `synchronous_commit = off`. Text that is erased is gone from the table once
 * autovacuum has been there; the server's write-ahead log and backups keep it as long as they keep anything.
 *
 * @param url - as libpq takes it: `postgres://USER:PASSWORD@HOST:PORT/DATABASE?sslmode=require`
 * @throws ConfigError where the driver is missing, the URL or the user's rights don't serve; UnreachableError
 *   where the server does not answer
 *
 * @example
 * const store = await openPostgresStore('postgres://app@db.internal/app');
 */
export async function openPostgresStore(url: string): Promise<ResultStore> {
  const name = nameOf(url);
  try {
    return await open(url, name, TIMES).catch((error) => {
      if (!refusesSettings(error)) throw error;
      return open(url, name, { ...TIMES, statement_timeout: undefined }, false);
    });
  } catch (error) {
    throw toPostgresOpenFault(error, name);
  }
}

async function open(url: string, name: string, times: Times, hasSessions = true): Promise<ResultStore> {
  const pool = await makePool(url, name, times, hasSessions);
  try {
    return new PostgresStore(await prepareDatabase(pool, name), new PostgresQueries(name, pool, hasSessions));
  } catch (error) {
    await pool.end();
    throw error;
  }
}

async function makePool(url: string, name: string, times: Times, hasSessions: boolean): Promise<Pool> {
  const pg = await import('pg').catch((error: unknown) => {
    throw new ConfigError(
      `The store URL names PostgreSQL (${name}), which needs the package pg: npm install pg.`,
      error,
    );
  });
  const config: PoolConfig = {
    connectionString: url,
    application_name: 'infer-once',
    max: POOL_SIZE,
    keepAlive: true,
    ...times,
    ...(hasSessions && { options: PREFER_INDEXES }),
  };
  const pool = new pg.default.Pool(config);
  // an idle connection that the server ends is made anew; whoever queries next is told what is wrong
  pool.on('error', () => undefined);
  return pool;
}

/** What messages call the database: never its user or password. */
function nameOf(url: string): string {
  if (!URL.canParse(url)) {
    throw new ConfigError(
      'INFER_ONCE_STORE_URL is no URL of PostgreSQL; it looks like postgres://USER:PASSWORD@HOST:5432/DATABASE, with special characters of the password percent-encoded.',
    );
  }
  const { host, pathname } = new URL(url);
  if (host.includes(',')) {
    throw new ConfigError(
      `The store URL names several hosts (${host}); name one address that leads to the primary, e.g. of a proxy or a DNS name that moves with it.`,
    );
  }
  return `${host || 'localhost'}${pathname}`;
}
