import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { UserError } from '../../errors';

/** Which of the product's long-lived commands a process runs. */
export type Part = 'worker' | 'gateway';

/** What a worker or gateway process tells its parent over IPC once it polls or listens. */
export interface WorkerReady {
  ready: true;
  /** The provider's host. */
  provider: string;
  /** A gateway's address. */
  url?: string;
}

/** How such a process ended. */
export interface WorkerEnd {
  code: number | null;
  signal: NodeJS.Signals | null;
  /** The sentence by which the command line said why. */
  sentence: string | undefined;
}

/** A worker or gateway in a process of its own. */
export interface WorkerProcess {
  readonly pid: number;
  /** Resolves with what it said once it polls or listens; null where it ended before. */
  readonly ready: Promise<WorkerReady | null>;
  readonly ended: Promise<WorkerEnd>;
  kill(signal: NodeJS.Signals): void;
}

// The compiled program, wherever this file runs from: src/dev/stack or dist/dev/stack.
const MAIN = resolve(__dirname, '../../../dist/cli/main.js');
const SENTENCE = 'infer-once: ';

/**
 * Starts `infer-once worker` or `infer-once gateway`. It is in a process group of its own, so that Ctrl-C reaches only the
 * parent, and ends when its IPC channel closes, so that it never outlives a parent that was killed.
 *
 * @param onLine - every log line that it writes on stderr
 */
export function startWorkerProcess(
  part: Part,
  env: NodeJS.ProcessEnv,
  onLine: (line: string) => void,
): WorkerProcess {
  if (!existsSync(MAIN)) {
    throw new UserError('The command line is not built; run npm run build.', { code: 'not_built' });
  }
  const child = spawn(process.execPath, [MAIN, part], {
    env,
    detached: true,
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  const killAtExit = () => child.kill('SIGKILL');
  process.once('exit', killAtExit);
  const ended = watchEnd(child, onLine).finally(() => process.off('exit', killAtExit));
  const told = new Promise<WorkerReady>((resolve) => child.once('message', (m) => resolve(m as WorkerReady)));
  const ready = Promise.race([told, ended.then(() => null)]);
  return { pid: child.pid ?? -1, ready, ended, kill: (signal) => void child.kill(signal) };
}

async function watchEnd(child: ChildProcess, onLine: (line: string) => void): Promise<WorkerEnd> {
  let sentence: string | undefined;
  createInterface({ input: child.stderr! }).on('line', (line) => {
    // told with its end, by whoever hears of that
    if (line.startsWith(SENTENCE)) sentence = line.slice(SENTENCE.length);
    else onLine(line);
  });
  return new Promise((done) => {
    child.once('error', (error) => done({ code: null, signal: null, sentence: error.message }));
    // 'close', not 'exit': only then has all that it wrote been read
    child.once('close', (code, signal) => done({ code, signal, sentence }));
  });
}
