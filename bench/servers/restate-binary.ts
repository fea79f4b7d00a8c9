import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { binaryCacheFolder } from '../../src/dev/temporal/cache';
import { UserError } from '../../src/errors';

/** Restate's server; no dependency, since every install would then take 216 MB for one line of a table. */
export const RESTATE_SERVER = '1.7.12';

const NAME = `@restatedev/restate-server-${process.platform}-${process.arch}`;

/**
 * The path of Restate's server, which npm fetches into the cache at the first run.
 *
 * @throws UserError where npm has none for this machine
 */
export async function restateBinary(): Promise<string> {
  const folder = join(
    dirname(binaryCacheFolder()),
    `restate-${RESTATE_SERVER}-${process.platform}-${process.arch}`,
  );
  const binary = join(folder, 'node_modules', NAME, 'bin', 'restate-server');
  if (!existsSync(binary)) await download(folder);
  return binary;
}

async function download(folder: string): Promise<void> {
  mkdirSync(dirname(folder), { recursive: true });
  const part = mkdtempSync(`${folder}-part-`);
  process.stderr.write(`Fetching Restate's server ${RESTATE_SERVER} by npm, once (216 MB).\n`);
  try {
    const options = ['--no-save', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
    await promisify(execFile)('npm', ['install', '--prefix', part, ...options, `${NAME}@${RESTATE_SERVER}`]);
    rmSync(folder, { recursive: true, force: true });
    renameSync(part, folder);
  } catch (cause) {
    rmSync(part, { recursive: true, force: true });
    const why = `Restate's server can't start (npm has no ${NAME} for it here); leave restate out by --only, or run on Linux or macOS.`;
    throw new UserError(why, { code: 'bench_server', cause });
  }
}
