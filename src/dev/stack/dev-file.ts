import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

/** What a running stack says of itself in its data directory, for the commands beside it. */
export interface DevFile {
  /** Of the process that holds the stack. */
  pid: number;
  temporal_address: string;
  namespace: string;
  store_url: string;
  /** Null where there is no UI. */
  ui_url: string | null;
  /** Null where there is no gateway. */
  gateway_url: string | null;
  /** The offline model's, for deleting what it stored; null where a real provider is used. */
  offline_base_url: string | null;
}

const fileOf = (dataDir: string): string => join(dataDir, 'dev.json');

/** The store beside a stack, where nothing else is said. */
export function devStoreUrl(dataDir: string): string {
  return `sqlite:${join(dataDir, 'store.db')}`;
}

/** The same store's URL in every working directory. */
export function absoluteStoreUrl(url: string): string {
  return url.startsWith('sqlite:') ? `sqlite:${resolve(url.slice('sqlite:'.length))}` : url;
}

/** What runs in this data directory, or null; a file that a killed process left behind says nothing. */
export function readDevFile(dataDir: string): DevFile | null {
  try {
    const dev = JSON.parse(readFileSync(fileOf(dataDir), 'utf8')) as DevFile;
    return isAlive(dev.pid) ? dev : null;
  } catch {
    return null;
  }
}

/** Written whole or not at all: a command beside it may read at any moment. */
export function writeDevFile(dataDir: string, dev: DevFile): void {
  const fresh = `${fileOf(dataDir)}.${process.pid}`;
  // a store's URL may hold a password
  writeFileSync(fresh, `${JSON.stringify(dev)}\n`, { mode: 0o600 });
  renameSync(fresh, fileOf(dataDir));
}

/** Removes it, unless another process has written its own meanwhile. */
export function removeDevFile(dataDir: string): void {
  if (readDevFile(dataDir)?.pid === process.pid) rmSync(fileOf(dataDir), { force: true });
}

function isAlive(pid: number): boolean {
  try {
    return Number.isInteger(pid) && pid > 0 && process.kill(pid, 0);
  } catch (error) {
    // somebody else's process is alive all the same
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
