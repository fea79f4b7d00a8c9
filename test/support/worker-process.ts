import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { createWriteStream, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { until } from './until';

const ROOT = join(__dirname, '..', '..');
/** Runs a script of TypeScript. */
export const JITI = join(ROOT, 'node_modules', 'jiti', 'lib', 'jiti-cli.mjs');

/**
 * What runs: `failpoints` is `crash-worker.ts`, which can be made to die at a point; `command` is the product's own
 * `infer-once worker`, as it is deployed.
 */
export type WorkerProgram = 'failpoints' | 'command';

const PROGRAMS: Record<WorkerProgram, string[]> = {
  failpoints: [JITI, join(__dirname, 'crash-worker.ts')],
  command: [join(ROOT, 'dist', 'cli', 'main.js'), 'worker'],
};

/** A worker process that a test may kill. */
export interface WorkerProcess {
  readonly pid: number;
  /** What it said on stdout: `serves QUEUE`, `at POINT`. */
  readonly lines: string[];
  /** Resolves when it has said this line; rejects where it ends before. */
  said(line: string): Promise<void>;
  tell(line: string): void;
  /** Its log, one JSON object a line. */
  readonly logFile: string;
  send(signal: NodeJS.Signals): void;
  /** Resolves when it has ended. */
  readonly ended: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  /** Resolves when it has ended by itself and well; rejects with the end of its log where not. */
  endedWell(): Promise<void>;
  /** SIGKILL, and waits for its end. */
  kill(): Promise<void>;
}

/** Only what is given and what a program needs to run: no setting of the shell changes a test. */
export function spawnWorker(
  logFile: string,
  env: Record<string, string>,
  program: WorkerProgram,
): WorkerProcess {
  const { PATH = '', HOME = '' } = process.env;
  const child = spawn(process.execPath, PROGRAMS[program], {
    cwd: ROOT,
    env: { PATH, HOME, ...env },
    // over the channel the command says that it polls, and learns that its parent has died
    stdio: program === 'command' ? ['pipe', 'pipe', 'pipe', 'ipc'] : ['pipe', 'pipe', 'pipe'],
  }) as ChildProcessWithoutNullStreams;
  child.stderr.pipe(createWriteStream(logFile));
  const lines: string[] = [];
  const reader = createInterface(child.stdout)
    .setMaxListeners(0)
    .on('line', (line) => lines.push(line));
  child.on('message', () => reader.emit('line', `serves ${env.INFER_ONCE_TASK_QUEUE}`));
  const ended = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve) => {
    child.once('close', (code, signal) => resolve({ code, signal }));
  });
  return {
    pid: child.pid!,
    lines,
    logFile,
    ended,
    send: (signal: NodeJS.Signals) => void child.kill(signal),
    tell: (line: string) => void child.stdin.write(`${line}\n`),
    async endedWell() {
      const { code, signal } = await ended;
      if (code !== 0) throw new Error(`the worker ended by ${signal ?? code}: ${lastOf(logFile)}`);
    },
    async kill() {
      child.kill('SIGKILL');
      await ended;
    },
    said(line) {
      return new Promise((resolve, reject) => {
        const look = () => {
          if (!lines.includes(line)) return;
          reader.off('line', look);
          resolve();
        };
        reader.on('line', look);
        look();
        void ended.then(({ code, signal }) => {
          reject(
            new Error(`the worker ended by ${signal ?? code} before it said ${line}: ${lastOf(logFile)}`),
          );
        });
      });
    },
  };
}

function lastOf(logFile: string): string {
  return readFileSync(logFile, 'utf8').slice(-1000);
}

/** One line of a worker's log. */
export type LogLine = { msg: string; job_id?: string; reason?: string } & Record<string, unknown>;

/** All that a worker has logged so far. */
export function loggedBy(worker: WorkerProcess): LogLine[] {
  // what follows the last end of line is not whole yet
  const lines = readFileSync(worker.logFile, 'utf8').split('\n').slice(0, -1);
  return lines.filter((line) => line.startsWith('{')).map((line) => JSON.parse(line) as LogLine);
}

/** Resolves with the line by which the worker has logged this step of a job's life. */
export async function untilLogged(worker: WorkerProcess, event: string): Promise<LogLine> {
  return until(`the worker logs ${event}`, () => loggedBy(worker).find(({ msg }) => msg === event));
}
