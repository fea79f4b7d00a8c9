import { execFile } from 'node:child_process';
import { mkdirSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { UserError } from '../../src/errors';
import { endChild } from '../servers/child';
import type { AtEnd } from '../world';

const ROOT = join(__dirname, '..', '..');

/**
 * Compiles `bench/workers` as the build compiles infer-once's own worker, so that no contestant's worker carries a
 * compiler with it.
 *
 * @param folder - where it is put, in a new folder
 * @param atEnd - a compiler that still writes there is ended first
 * @returns the program that runs a worker by its name
 * @throws UserError where the compiler refuses
 */
export async function compileWorkers(folder: string, atEnd: AtEnd): Promise<string> {
  const outDir = join(folder, 'compiled');
  mkdirSync(outDir);
  // packages, and infer-once itself, are found from there as they are from here
  for (const name of ['node_modules', 'dist']) symlinkSync(join(ROOT, name), join(outDir, name));
  const tsc = join(dirname(require.resolve('typescript/package.json')), 'bin', 'tsc');
  try {
    const args = [tsc, '-p', join(ROOT, 'tsconfig.bench.json'), '--outDir', outDir];
    const compiling = promisify(execFile)(process.execPath, args);
    atEnd(() => endChild(compiling.child));
    await compiling;
  } catch (cause) {
    const said = (cause as { stdout?: string }).stdout?.split('\n')[0] || (cause as Error).message;
    throw new UserError(`The workers of the bench can't be compiled: ${said}`, {
      code: 'bench_worker',
      cause,
    });
  }
  return join(outDir, 'bench', 'workers', 'main.js');
}
