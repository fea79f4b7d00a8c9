import { randomBytes } from 'node:crypto';
import type { DatabaseSyncInstance } from '@photostructure/sqlite';
import { ConfigError } from '../errors';
import { isLocked } from './sqlite-faults';

/** Marks a file as ours, so that a database of another program is never written to. Spells `ionc`. */
const APPLICATION_ID = 0x696f6e63;

/**
 * The steps from each schema version to the next; a file's version is how many it has had. Append only,
 * and only what an older process that is still running can live with (new tables, columns with a default).
 */
const MIGRATIONS: readonly ((db: DatabaseSyncInstance) => void)[] = [createTables];

function createTables(db: DatabaseSyncInstance): void {
  // doc comes last: sums over the columns before it never read its overflow pages
  db.exec(`
    CREATE TABLE jobs (
      key TEXT PRIMARY KEY NOT NULL,
      task TEXT NOT NULL,
      status TEXT NOT NULL,
      tenant TEXT,
      created_at INTEGER NOT NULL,
      updated_at INTEGER NOT NULL,
      attempts INTEGER NOT NULL,
      input_tokens INTEGER,
      output_tokens INTEGER,
      cost_usd REAL,
      doc TEXT NOT NULL
    );
    CREATE INDEX jobs_by_change ON jobs (updated_at, key);
    CREATE INDEX jobs_by_status ON jobs (status, updated_at, key);
    CREATE INDEX jobs_by_task ON jobs (task, updated_at, key);
    CREATE INDEX jobs_by_tenant ON jobs (tenant, updated_at, key);
    CREATE TABLE blobs (
      key TEXT NOT NULL,
      name TEXT NOT NULL,
      body BLOB NOT NULL,
      PRIMARY KEY (key, name)
    );
    CREATE TABLE clock (id INTEGER PRIMARY KEY CHECK (id = 0), ms INTEGER NOT NULL);
    CREATE TABLE meta (name TEXT PRIMARY KEY NOT NULL, value TEXT NOT NULL);
    PRAGMA application_id = ${APPLICATION_ID};
  `);
  db.prepare(`INSERT INTO meta VALUES ('store_id', ?)`).run(randomBytes(8).toString('hex'));
}

/**
 * Makes a file the store of this version, or checks that it is. Any number of processes may do so at
 * once; a lock that one meets is thrown as SQLite's error, to be tried again from the start.
 *
 * @param file - for messages
 * @returns the store's id
 * @throws ConfigError for another program's database, a newer schema, or a file system without a
 *   write-ahead log
 */
export function prepareFile(db: DatabaseSyncInstance, file: string): string {
  // before anything is written: the file may not be ours
  checkOurs(db, file);
  const { journal_mode } = db.prepare('PRAGMA journal_mode = WAL').get() as { journal_mode: string };
  if (journal_mode !== 'wal') {
    throw new ConfigError(
      `The store ${file} can't be kept there, since SQLite needs a local disk (no network share); name another path in INFER_ONCE_STORE_URL.`,
    );
  }
  // FULL: what was acknowledged survives a power cut. secure_delete: forgetting overwrites the text.
  db.exec('PRAGMA synchronous = FULL; PRAGMA secure_delete = ON; PRAGMA journal_size_limit = 67108864');
  if (readVersion(db) < MIGRATIONS.length) migrate(db, file);
  else checkWritable(db);
  const { value } = db.prepare(`SELECT value FROM meta WHERE name = 'store_id'`).get() as { value: string };
  return value;
}

function migrate(db: DatabaseSyncInstance, file: string): void {
  db.exec('BEGIN IMMEDIATE');
  try {
    // another process may have been here since
    checkOurs(db, file);
    for (const step of MIGRATIONS.slice(readVersion(db))) step(db);
    db.exec(`PRAGMA user_version = ${MIGRATIONS.length}`);
    db.exec('COMMIT');
  } catch (e) {
    if (db.isTransaction) db.exec('ROLLBACK');
    throw e;
  }
}

/** SQLite opens a read-only file without a word; better to hear of it now than at the first claim. */
function checkWritable(db: DatabaseSyncInstance): void {
  try {
    // BEGIN alone passes; nothing reaches the disk
    db.exec(`BEGIN IMMEDIATE; PRAGMA user_version = ${MIGRATIONS.length}`);
  } catch (e) {
    // another process is writing: so it can be written
    if (!isLocked(e)) throw e;
  } finally {
    if (db.isTransaction) db.exec('ROLLBACK');
  }
}

function checkOurs(db: DatabaseSyncInstance, file: string): void {
  const { application_id } = db.prepare('PRAGMA application_id').get() as { application_id: number };
  const { things } = db.prepare('SELECT count(*) AS things FROM sqlite_schema').get() as { things: number };
  if (things > 0 && application_id !== APPLICATION_ID) {
    throw new ConfigError(
      `The store ${file} is the database of another program; name another path in INFER_ONCE_STORE_URL.`,
    );
  }
  const version = readVersion(db);
  if (version > MIGRATIONS.length) {
    throw new ConfigError(
      `The store ${file} was made by a newer infer-once (schema ${version}, this one knows ${MIGRATIONS.length}); update infer-once on this machine.`,
    );
  }
}

function readVersion(db: DatabaseSyncInstance): number {
  return (db.prepare('PRAGMA user_version').get() as { user_version: number }).user_version;
}
