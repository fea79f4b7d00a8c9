import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { UserError } from '../../src/errors';
import type { ContestantWorker } from '../contestants/contestant';
import type { World } from '../world';

/** What a worker of the bench is told, JSON; each reads what it needs. */
export interface WorkerSettings {
  modelUrl: string;
  [more: string]: unknown;
}

/** A worker of the bench. */
export interface BenchWorker extends ContestantWorker {
  /** What it told when it took jobs. */
  told: unknown;
  /** The process that is its worker now. */
  child(): ChildProcess;
  stop(): Promise<void>;
}

/**
 * A worker process that runs `bench/workers/NAME.ts`. Ctrl-C does not reach it, and it ends when this process does.
 *
 * @throws UserError where it ends before it takes jobs
 */
export async function startBenchWorker(
  { workers, atEnd }: Pick<World, 'workers' | 'atEnd'>,
  name: string,
  settings: WorkerSettings,
): Promise<BenchWorker> {
  const program = await workers();
  const first = await spawnWorker(program, name, settings);
  let { child } = first;
  const end = async (signal: NodeJS.Signals) => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill(signal);
    await ended;
  };
  atEnd(() => end('SIGKILL'));
  return {
    pid: () => child.pid!,
    told: first.told,
    child: () => child,
    kill: () => end('SIGKILL'),
    async start() {
      child = (await spawnWorker(program, name, settings)).child;
    },
    // nothing is under way any more, and nothing of it is kept
    stop: () => end('SIGKILL'),
  };
}

async function spawnWorker(program: string, name: string, settings: WorkerSettings) {
  const child = spawn(process.execPath, [program, name], {
    env: { ...process.env, BENCH_SETTINGS: JSON.stringify(settings) },
    detached: true,
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  let said = '';
  child.stderr!.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-4_000);
  });
  const killAtExit = () => child.kill('SIGKILL');
  process.once('exit', killAtExit);
  child.once('exit', () => process.off('exit', killAtExit));
  const ready = await Promise.race([
    once(child, 'message').then(([message]) => message as { told: unknown }),
    // 'close', not 'exit': only then has all that it wrote been read
    once(child, 'close').then(() => null),
  ]);
  if (ready) return { child, told: ready.told };
  const lines = said.trim().split('\n');
  const why = lines.find((line) => /error/i.test(line)) ?? (lines.at(-1) || 'it said nothing');
  throw new UserError(`The worker of ${name} did not start: ${why.trim()}`, { code: 'bench_worker' });
}
