import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { DatabaseSync, type DatabaseSyncInstance } from '@photostructure/sqlite';
import { UserError } from '../../errors';

/** A lock that another process is just looking at is free in a moment. */
const LOOK_MS = 200;

/** The locks that this process holds, by folder. */
const held = new Map<string, DatabaseSyncInstance>();

/**
 * Makes a data directory this process's own until it ends or releases it. The lock is the operating
 * system's (taken through SQLite): it goes with a process that is killed, and two that start in the same
 * instant can't both have it, as a file with a process id could.
 *
 * @throws UserError `data_dir_in_use`, or `data_dir_unusable` where nothing can be written there
 */
export function claimDataDir(dataDir: string): void {
  const folder = resolve(dataDir);
  if (held.has(folder)) return;
  try {
    mkdirSync(folder, { recursive: true });
    const lock = new DatabaseSync(join(folder, 'dev.lock'), { timeout: LOOK_MS });
    lock.exec('BEGIN EXCLUSIVE');
    held.set(folder, lock);
  } catch (cause) {
    throw toUserError(dataDir, cause);
  }
}

/** Lets others have it. Harmless where this process does not hold it. */
export function releaseDataDir(dataDir: string): void {
  const folder = resolve(dataDir);
  held.get(folder)?.exec('ROLLBACK');
  held.delete(folder);
}

function toUserError(dataDir: string, cause: unknown): UserError {
  const { code, message } = cause as NodeJS.ErrnoException;
  if (/locked|busy/i.test(`${message} ${code}`)) {
    return new UserError(
      `infer-once dev runs in ${dataDir} already; stop it, or choose another folder with --data-dir.`,
      { code: 'data_dir_in_use' },
    );
  }
  return new UserError(
    `The data directory ${dataDir} can't be used (${code ?? message}); choose another with --data-dir.`,
    { code: 'data_dir_unusable', cause },
  );
}
