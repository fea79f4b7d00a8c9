import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { EXE } from './executable';
import { TEMPORAL_BINARIES, type TemporalBinary } from './versions';

/** Where downloaded binaries are kept: `INFER_ONCE_CACHE_DIR`, else `infer-once` in `XDG_CACHE_HOME` or `~/.cache`. */
export function binaryCacheFolder(): string {
  const { INFER_ONCE_CACHE_DIR: own, XDG_CACHE_HOME: xdg } = process.env;
  return join(own ? resolve(own) : join(xdg || join(homedir(), '.cache'), 'infer-once'), 'temporal');
}

/** The path of one; version and platform are in it, since pins move and homes are shared between machines. */
export function cachedBinaryPath(which: TemporalBinary): string {
  const { version, executable } = TEMPORAL_BINARIES[which];
  const folder = `${which}-${version}-${process.platform}-${process.arch}`;
  return join(binaryCacheFolder(), folder, executable + EXE);
}

/** Gives a folder on the cache's file system, so that a rename out of it is atomic, and removes it afterwards. */
export async function withDownloadFolder<T>(use: (folder: string) => Promise<T>): Promise<T> {
  mkdirSync(binaryCacheFolder(), { recursive: true });
  const folder = mkdtempSync(join(binaryCacheFolder(), '.download-'));
  try {
    return await use(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
