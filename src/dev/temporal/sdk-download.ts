import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { EXE, isExecutable } from './executable';
import { announceDownload, type Fetched } from './fetched';
import { TEMPORAL_BINARIES, type TemporalBinary } from './versions';

/** The SDK asks temporal.download first; no file after this long, in milliseconds, means that nobody answers. */
const FIRST_SIGN_MS = 5_000;
const LIMIT_MS = 300_000;

/**
 * Lets the Temporal SDK download the binary by its own way, into `folder`. The SDK can only download by starting a
 * server, so it does that in a process group of its own, which is killed as soon as the file is whole.
 */
export async function downloadWithSdk(which: TemporalBinary, folder: string): Promise<Fetched> {
  const { version, executable } = TEMPORAL_BINARIES[which];
  // The SDK names the file so, and adds `.downloading` until it is whole.
  const path = join(folder, `${executable}-v${version}${EXE}`);
  const options = { detached: true, stdio: 'ignore', env: process.env } as const;
  const child = spawn(process.execPath, ['-e', downloadScript(which, folder)], options);
  const ended = once(child, 'close');
  const began = Date.now();
  let limit = FIRST_SIGN_MS;
  while (!isExecutable(path) && isRunning(child) && Date.now() - began < limit) {
    if (limit === FIRST_SIGN_MS && readdirSync(folder).length > 0) {
      limit = LIMIT_MS;
      announceDownload(which, 'the Temporal SDK');
    }
    await Promise.race([ended, delay(50)]);
  }
  killGroup(child);
  await ended;
  return isExecutable(path) ? { path } : { fault: "the Temporal SDK's download failed (temporal.download)" };
}

function downloadScript(which: TemporalBinary, folder: string): string {
  const create = which === 'cli' ? 'createLocal' : 'createTimeSkipping';
  const version = `v${TEMPORAL_BINARIES[which].version}`;
  const executable = { type: 'cached-download', downloadDir: folder, version };
  const testing = JSON.stringify(require.resolve('@temporalio/testing'));
  return `require(${testing}).TestWorkflowEnvironment
    .${create}({ server: { executable: ${JSON.stringify(executable)} } })
    .then((env) => env.teardown())
    .then(() => process.exit(0), () => process.exit(1));`;
}

function isRunning(child: ChildProcess): boolean {
  return child.exitCode === null && child.signalCode === null;
}

function killGroup(child: ChildProcess): void {
  try {
    if (child.pid) process.kill(-child.pid, 'SIGKILL');
  } catch {
    // The whole group has ended by itself.
  }
}
