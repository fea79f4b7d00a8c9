import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from '@photostructure/sqlite';

/** A folder of a test's own, and the way to be rid of it. */
export function makeFolder(): { folder: string; remove: () => void } {
  const folder = mkdtempSync(join(tmpdir(), 'infer-once-store-'));
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

/** Runs something on a store's file behind the store's back. */
export function withDatabase<T>(file: string, act: (db: InstanceType<typeof DatabaseSync>) => T): T {
  const db = new DatabaseSync(file, { timeout: 5000 });
  let result: T | undefined;
  try {
    result = act(db);
    return result instanceof Promise ? (result.finally(() => db.close()) as T) : result;
  } finally {
    if (!(result instanceof Promise)) db.close();
  }
}

/** Runs something as a user without rights where the tests run as root, who may write anywhere. */
export async function asNobody<T>(act: () => Promise<T>): Promise<T> {
  if (process.geteuid?.() !== 0) return act();
  process.seteuid?.(65_534);
  try {
    return await act();
  } finally {
    process.seteuid?.(0);
  }
}

/** Sets a store's clock row so many ms further ahead: as if the wall clock had since gone back. */
export function advanceClock(file: string, ms: number): void {
  withDatabase(file, (db) => {
    const wall = `CAST(unixepoch('subsec') * 1000 AS INTEGER)`;
    db.exec(`INSERT INTO clock (id, ms) VALUES (0, ${wall} + ${ms})
      ON CONFLICT (id) DO UPDATE SET ms = max(ms, ${wall}) + ${ms}`);
  });
}
