import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DynamoDB, paginateScan } from '@aws-sdk/client-dynamodb';
import { startDynamo } from './dynamodb-server';
import { startPostgres } from './postgres-server';
import { startRedis } from './redis-server';
import { until } from './until';

/** A server on which stores are made, and a look at what it keeps. */
export interface StoreServer {
  /** The URL of a new, empty store. */
  newStore(): Promise<string>;
  /** All that it keeps of a store (Redis: of all its stores). */
  kept(storeUrl: string): Promise<Buffer>;
  /** Has it rid itself of what was erased, by the means that docs/stores.md names; default: none is needed. */
  sweep?(): Promise<void>;
  stop(): Promise<void>;
}

/** What the tables hold; their files and the write-ahead log are the server's. */
async function startPostgresKeeper(): Promise<StoreServer> {
  const server = await startPostgres();
  return {
    newStore: server.createDatabase,
    async kept(storeUrl) {
      const database = new URL(storeUrl).pathname.slice(1);
      const tables = await server.admin(
        "SELECT tablename FROM pg_tables WHERE schemaname = 'infer_once'",
        database,
      );
      const rows = await Promise.all(
        tables.map(({ tablename }) => server.admin(`SELECT * FROM infer_once.${tablename}`, database)),
      );
      return bytesOf(rows.flat().flatMap((row) => Object.values(row)));
    },
    stop: server.stop,
  };
}

/** The append-only file, every command of it in plain text. */
async function startRedisKeeper(): Promise<StoreServer> {
  const server = await startRedis('--aof-use-rdb-preamble', 'no');
  const log = join(server.folder, 'appendonlydir');
  return {
    newStore: async () => server.newStore(),
    kept: async () => Buffer.concat(readdirSync(log).map((name) => readFileSync(join(log, name)))),
    async sweep() {
      const before = readdirSync(log);
      await server.admin('BGREWRITEAOF');
      await until('the file is written anew', async () => {
        const info = String(await server.admin('INFO', 'persistence'));
        const files = readdirSync(log).filter((name) => /\.aof$/.test(name));
        return info.includes('aof_rewrite_in_progress:0') && !files.some((name) => before.includes(name));
      });
    },
    stop: server.stop,
  };
}

async function startDynamoKeeper(): Promise<StoreServer> {
  const server = await startDynamo();
  const db = new DynamoDB({ endpoint: server.url, region: 'eu-west-1' });
  return {
    newStore: server.createTable,
    async kept(storeUrl) {
      const TableName = storeUrl.slice('dynamodb:'.length, storeUrl.indexOf('?'));
      const values: unknown[] = [];
      for await (const { Items = [] } of paginateScan({ client: db }, { TableName })) {
        values.push(...Items.flatMap((item) => Object.values(item)).map(({ B, ...other }) => B ?? other));
      }
      return bytesOf(values);
    },
    async stop() {
      db.destroy();
      await server.stop();
    },
  };
}

function bytesOf(values: readonly unknown[]): Buffer {
  return Buffer.concat(
    values.map((value) => (value instanceof Uint8Array ? value : Buffer.from(JSON.stringify(value)))),
  );
}

/** How to start each, by the name that people call it. */
export const STORE_SERVERS = {
  PostgreSQL: startPostgresKeeper,
  Redis: startRedisKeeper,
  DynamoDB: startDynamoKeeper,
} satisfies Record<string, () => Promise<StoreServer>>;

/** A name of {@link STORE_SERVERS}. */
export type StoreName = keyof typeof STORE_SERVERS;
