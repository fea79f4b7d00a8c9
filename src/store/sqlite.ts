import { mkdirSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { DatabaseSync, type DatabaseSyncInstance } from '@photostructure/sqlite';
import { ConfigError } from '../errors';
import { Lane } from './lane';
import { isLocked, toOpenFault } from './sqlite-faults';
import { prepareFile } from './sqlite-schema';
import { SqliteStore } from './sqlite-store';
import type { ResultStore } from './store';

/** How long SQLite itself waits for a lock, with the event loop standing still. */
const BUSY_TIMEOUT_MS = 50;

export interface SqliteOptions {
  /** How long a write is tried while other processes hold the lock, in ms; default 10,000. */
  lockLimitMs?: number;
  /** The most pages (of 4 KiB) that this connection lets the file have; default SQLite's own limit. */
  maxPages?: number;
}

/**
 * Opens the store in a SQLite file, and makes the file and its folder where they are missing. For one
 * machine and a local disk; any number of processes may have it open. Every write is on disk when its
 * promise resolves. Text that is erased is overwritten in the file and leaves the write-ahead log beside
 * it (`-wal`), at the latest when the log is next emptied.
 *
 * @param path - relative to the working directory
 * @throws ConfigError where the path can't be a store; UnreachableError where it stays locked or the
 *   disk is full
 *
 * @example
 * const store = await openSqliteStore('.infer-once/store.db');
 */
export async function openSqliteStore(path: string, options: SqliteOptions = {}): Promise<ResultStore> {
  const file = checkPath(path);
  const lockLimitMs = options.lockLimitMs ?? 10_000;
  let db: DatabaseSyncInstance | undefined;
  try {
    mkdirSync(dirname(file), { recursive: true });
    const opened = new DatabaseSync(file, { timeout: BUSY_TIMEOUT_MS });
    db = opened;
    const id = await new Lane(isLocked, lockLimitMs).run(() => prepareFile(opened, file));
    if (options.maxPages !== undefined) db.exec(`PRAGMA max_page_count = ${Math.trunc(options.maxPages)}`);
    return new SqliteStore(id, file, db, lockLimitMs);
  } catch (e) {
    db?.close();
    throw toOpenFault(e, file);
  }
}

function checkPath(path: string): string {
  if (path === ':memory:') {
    throw new ConfigError(
      'The store URL sqlite::memory: would lose every record with its connection; use memory: for a store in memory, or sqlite:PATH.',
    );
  }
  const file = resolve(path);
  if (path.trim() === '' || isFolder(file)) {
    throw new ConfigError(
      `The store URL ${JSON.stringify(`sqlite:${path}`)} names no file; use sqlite:PATH, e.g. sqlite:.infer-once/store.db.`,
    );
  }
  return file;
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    // there is nothing yet, or opening it will say what is wrong
    return false;
  }
}
