import { execFile } from 'node:child_process';
import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';
import type { TemporalBinary } from './versions';

/** What executables end in on this platform. */
export const EXE = process.platform === 'win32' ? '.exe' : '';

/** Longest a binary may take to show that it runs, in milliseconds; a shim on a slow disk takes about one second. */
const PROBE_MS = 10_000;

/** Whether a path is a file that this user may execute. */
export function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/** Every executable of this name on `PATH`, as absolute paths in its order. */
export function findOnPath(name: string): string[] {
  const folders = (process.env.PATH ?? '').split(delimiter).filter(Boolean);
  return folders.map((folder) => resolve(join(folder, name + EXE))).filter(isExecutable);
}

/**
 * Says why a binary does not serve, as the end of a sentence that begins with its path; undefined where it does.
 * Left-over version manager shims and files for another platform are executable but do not run.
 */
export function whyItDoesNotRun(which: TemporalBinary, path: string): Promise<string | undefined> {
  return new Promise((answer) => {
    execFile(path, ['--version'], { timeout: PROBE_MS, killSignal: 'SIGKILL' }, (error, stdout) => {
      if (which === 'cli') {
        if (error) answer('fails on --version');
        else answer(/temporal version/i.test(stdout) ? undefined : "is not Temporal's CLI");
        return;
      }
      // The test server takes a port and nothing else: it complains about --version with status 1, but it runs.
      const runs = !error || (typeof error.code === 'number' && error.code < 126);
      answer(runs ? undefined : 'does not start');
    });
  });
}
