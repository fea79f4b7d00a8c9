import { randomBytes } from 'node:crypto';
import type { Pool, PoolClient } from 'pg';
import { ConfigError } from '../errors';

/**
 * The steps from each schema version to the next; the database keeps how many it has had. Append only, and
 * only what an older process that is still running can live with (new tables, columns with a default).
 */
const MIGRATIONS: readonly string[] = [
  // keys are compared byte by byte, as every other backend does, whatever the database's own order is
  `CREATE TABLE infer_once.jobs (
    key text COLLATE "C" PRIMARY KEY,
    task text NOT NULL,
    status text NOT NULL,
    tenant text,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL,
    attempts integer NOT NULL,
    input_tokens bigint,
    output_tokens bigint,
    cost_usd double precision,
    revision bigint NOT NULL DEFAULT 1,
    doc text NOT NULL
  );
  CREATE INDEX jobs_by_change ON infer_once.jobs (updated_at, key);
  CREATE INDEX jobs_by_status ON infer_once.jobs (status, updated_at, key);
  CREATE INDEX jobs_by_task ON infer_once.jobs (task, updated_at, key);
  CREATE INDEX jobs_by_tenant ON infer_once.jobs (tenant, updated_at, key);
  CREATE TABLE infer_once.blobs (
    key text COLLATE "C" NOT NULL,
    name text COLLATE "C" NOT NULL,
    body bytea NOT NULL,
    PRIMARY KEY (key, name)
  );`,
];

/** Held while a process looks at or changes the schema: any number may start at once. Spells `ionc`. */
const LOCK = 0x696f6e63;

/**
 * Makes the schema `infer_once` of this version, or checks that it is there.
 *
 * @param name - of the database, for messages
 * @returns the store's id
 * @throws ConfigError for a newer schema; PostgreSQL's own error where the user may not make one
 */
export async function prepareDatabase(pool: Pool, name: string): Promise<string> {
  const client = await pool.connect();
  try {
    const known = await readMeta(client);
    const storeId = known?.version === MIGRATIONS.length ? known.storeId : await migrateLocked(client, name);
    client.release();
    return storeId;
  } catch (error) {
    // closing the connection rolls back, and frees the lock
    client.release(true);
    throw error;
  }
}

async function migrateLocked(client: PoolClient, name: string): Promise<string> {
  await client.query('BEGIN');
  await client.query('SELECT pg_advisory_xact_lock($1)', [LOCK]);
  const storeId = await migrate(client, name);
  await client.query('COMMIT');
  return storeId;
}

async function migrate(client: PoolClient, name: string): Promise<string> {
  // another process may have been here since
  const known = await readMeta(client);
  const version = known?.version ?? 0;
  if (version > MIGRATIONS.length) {
    throw new ConfigError(
      `The store in ${name} was made by a newer infer-once (schema ${version}, this one knows ${MIGRATIONS.length}); update infer-once on this machine.`,
    );
  }
  const storeId = known?.storeId ?? randomBytes(8).toString('hex');
  if (!known) {
    await client.query('CREATE SCHEMA IF NOT EXISTS infer_once');
    await client.query('CREATE TABLE infer_once.meta (name text PRIMARY KEY, value text NOT NULL)');
    await client.query(`INSERT INTO infer_once.meta VALUES ('store_id', $1), ('version', '0')`, [storeId]);
  }
  for (const step of MIGRATIONS.slice(version)) await client.query(step);
  await client.query(`UPDATE infer_once.meta SET value = $1 WHERE name = 'version'`, [MIGRATIONS.length]);
  return storeId;
}

async function readMeta(client: PoolClient): Promise<{ version: number; storeId: string } | null> {
  // a query of the catalog sees what was committed meanwhile; to_regclass may answer from a cache
  const { rowCount } = await client.query(
    `SELECT 1 FROM pg_catalog.pg_tables WHERE schemaname = 'infer_once' AND tablename = 'meta'`,
  );
  if (rowCount === 0) return null;
  const meta = await client.query<{ name: string; value: string }>('SELECT name, value FROM infer_once.meta');
  const values = new Map(meta.rows.map(({ name, value }) => [name, value]));
  return { version: Number(values.get('version')), storeId: values.get('store_id')! };
}
