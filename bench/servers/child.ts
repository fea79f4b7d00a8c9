import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { isListening } from '../../src/dev/temporal/ports';
import { UserError } from '../../src/errors';
import { until } from '../../test/support/until';
import type { AtEnd } from '../world';

/** A server of a contestant's. */
export interface ServerSpec {
  /** For people. */
  name: string;
  command: string;
  args: string[];
  env?: NodeJS.ProcessEnv;
  /** It is there once this port of 127.0.0.1 is listened on. */
  port: number;
  /** What to do where the command is not there. */
  remedy: string;
}

const START_LIMIT_MS = 30_000;

/**
 * Starts a server out of the reach of Ctrl-C; on Linux it dies with this process, even by SIGKILL.
 *
 * @returns its pid
 * @throws UserError that says in one sentence why it is not there, and what to do
 */
export async function startServer(spec: ServerSpec, atEnd: AtEnd): Promise<number> {
  const tie = ['--pdeathsig', 'KILL', '--'];
  const canTie = process.platform === 'linux' && spawnSync('setpriv', [...tie, 'true']).status === 0;
  if (spawnSync(spec.command, ['--version']).error) throw away(spec, 'the command is not there');
  const child = spawn(
    canTie ? 'setpriv' : spec.command,
    [...(canTie ? [...tie, spec.command] : []), ...spec.args],
    {
      env: { ...process.env, ...spec.env },
      detached: true,
      stdio: ['ignore', 'ignore', 'pipe'],
    },
  );
  let said = '';
  child.stderr!.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-2_000);
  });
  const killAtExit = () => child.kill('SIGKILL');
  process.once('exit', killAtExit);
  child.once('exit', () => process.off('exit', killAtExit));
  atEnd(() => endChild(child));
  const isThere = async () => child.exitCode !== null || (await isListening(spec.port));
  await until(`${spec.name} listens`, isThere, START_LIMIT_MS).catch(() => undefined);
  if (child.exitCode === null && (await isListening(spec.port))) return child.pid!;
  throw away(spec, said.trim().split('\n').at(-1) || 'it did not answer');
}

/** Ends a child at once, and waits for its end. All that it wrote is thrown away. */
export async function endChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}

function away({ name, remedy }: ServerSpec, why: string): UserError {
  return new UserError(`${name} can't start (${why}); ${remedy}.`, { code: 'bench_server' });
}
