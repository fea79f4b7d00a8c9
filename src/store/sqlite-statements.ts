import type { DatabaseSyncInstance, StatementSyncInstance } from '@photostructure/sqlite';

/** The machine's wall clock as SQLite tells it, in ms since the epoch; one value a statement. */
const WALL_CLOCK = `CAST(round(unixepoch('subsec') * 1000) AS INTEGER)`;

/** Every statement of the store, prepared once. */
export interface Statements {
  /** For writing: takes the lock. */
  begin: StatementSyncInstance;
  /** For several looks at one snapshot. */
  beginReading: StatementSyncInstance;
  commit: StatementSyncInstance;
  rollback: StatementSyncInstance;
  /** Moves the write-ahead log into the file and empties it, where no other process is in the way. */
  emptyLog: StatementSyncInstance;
  /** key -> the clock row, the wall clock, key, status, doc; always one row. */
  look: StatementSyncInstance;
  /** A time of the store's clock -> key, updated_at of what was settled at it or after. */
  settledSince: StatementSyncInstance;
  advanceClock: StatementSyncInstance;
  /** A `JobRow`, by name. */
  writeRow: StatementSyncInstance;
  writeBlob: StatementSyncInstance;
  dropBlobs: StatementSyncInstance;
  dropRow: StatementSyncInstance;
  readBlob: StatementSyncInstance;
  lastRow: StatementSyncInstance;
  /** Row numbers `from` (excluded) and `to`, and whose: `tenant`, or 1 in `all` -> partial sums. */
  stats: StatementSyncInstance;
  /** The statement of a list query; there are a few dozen. */
  list: (sql: string) => StatementSyncInstance;
}

/** Prepares the statements on a file that has its tables. */
export function prepareStatements(db: DatabaseSyncInstance): Statements {
  const lists = new Map<string, StatementSyncInstance>();
  return {
    begin: db.prepare('BEGIN IMMEDIATE'),
    beginReading: db.prepare('BEGIN'),
    commit: db.prepare('COMMIT'),
    rollback: db.prepare('ROLLBACK'),
    emptyLog: db.prepare('PRAGMA wal_checkpoint(TRUNCATE)'),
    look: db.prepare(`
      SELECT coalesce((SELECT ms FROM clock), 0) AS kept, ${WALL_CLOCK} AS wall, key, status, doc
      FROM (SELECT 1) LEFT JOIN jobs ON key = ?`),
    settledSince: db.prepare(`
      SELECT key, updated_at FROM jobs
      WHERE updated_at >= ? AND status IN ('COMPLETED', 'FAILED', 'CANCELED', 'FORGOTTEN')`),
    advanceClock: db.prepare(`
      INSERT INTO clock (id, ms) VALUES (0, ?) ON CONFLICT (id) DO UPDATE SET ms = max(ms, excluded.ms)`),
    writeRow: db.prepare(`
      INSERT INTO jobs (key, task, status, tenant, created_at, updated_at, attempts, input_tokens,
        output_tokens, cost_usd, doc)
      VALUES (:key, :task, :status, :tenant, :created_at, :updated_at, :attempts, :input_tokens,
        :output_tokens, :cost_usd, :doc)
      ON CONFLICT (key) DO UPDATE SET task = excluded.task, status = excluded.status,
        tenant = excluded.tenant, created_at = excluded.created_at, updated_at = excluded.updated_at,
        attempts = excluded.attempts, input_tokens = excluded.input_tokens,
        output_tokens = excluded.output_tokens, cost_usd = excluded.cost_usd, doc = excluded.doc`),
    writeBlob: db.prepare(`
      INSERT INTO blobs (key, name, body) VALUES (?, ?, ?)
      ON CONFLICT (key, name) DO UPDATE SET body = excluded.body`),
    dropBlobs: db.prepare('DELETE FROM blobs WHERE key = ?'),
    dropRow: db.prepare('DELETE FROM jobs WHERE key = ?'),
    readBlob: db.prepare('SELECT body FROM blobs WHERE key = ? AND name = ?'),
    lastRow: db.prepare('SELECT coalesce(max(rowid), 0) AS last FROM jobs'),
    stats: db.prepare(`
      SELECT task, date(created_at / 1000, 'unixepoch') AS day, status, count(*) AS jobs,
        sum(attempts) AS attempts, coalesce(sum(input_tokens), 0) AS input_tokens,
        coalesce(sum(output_tokens), 0) AS output_tokens, sum(cost_usd) AS cost_usd,
        sum(attempts > 0 AND cost_usd IS NULL) AS unpriced
      FROM jobs WHERE rowid > :from AND rowid <= :to AND (:all OR tenant IS :tenant) GROUP BY task, day, status`),
    list: (sql) => {
      const statement = lists.get(sql) ?? db.prepare(sql);
      lists.set(sql, statement);
      return statement;
    },
  };
}
