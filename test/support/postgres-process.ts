import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, mkdirSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { Client } from 'pg';
import { findFreePort } from '../../src/dev/temporal';
import { until } from './until';

/** One PostgreSQL server over a folder of data. */
export interface PostgresProcess {
  readonly port: number;
  /** Runs a statement as superuser. */
  admin(sql: string, database?: string): Promise<Record<string, unknown>[]>;
  /** Kills every process of the server at once, as a power cut does. */
  kill(): Promise<void>;
  /** Starts it again on the same files and port. */
  start(): Promise<void>;
}

/** Nobody: PostgreSQL refuses to run as root. */
const UNPRIVILEGED = 65_534;

/** Whom PostgreSQL's programs run as, where this process is root. */
export const POSTGRES_USER: { uid?: number; gid?: number } =
  process.getuid?.() === 0 ? { uid: UNPRIVILEGED, gid: UNPRIVILEGED } : {};

/** No test cuts the machine's power: what a killed server had written is in the system's cache. */
const SETTINGS = ['fsync=off', 'full_page_writes=off', 'max_connections=200', 'listen_addresses=127.0.0.1'];

/** A new folder in which PostgreSQL's programs may write. */
export function makePostgresFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'infer-once-postgres-'));
  giveToPostgres(folder);
  return folder;
}

/** Makes a new cluster's files. */
export async function initPostgres(bin: string, data: string): Promise<void> {
  mkdirSync(data, { mode: 0o700 });
  giveToPostgres(data);
  const init = ['-D', data, '-U', 'postgres', '--auth=trust', '--encoding=UTF8', '--locale=C', '--no-sync'];
  await runPostgresTool(bin, 'initdb', init);
}

/** Runs one of PostgreSQL's programs to its end. */
export async function runPostgresTool(bin: string, tool: string, args: readonly string[]): Promise<void> {
  await promisify(execFile)(join(bin, tool), args, { ...POSTGRES_USER, env: {} });
}

/**
 * Starts a server over data that are there.
 *
 * @param settings - more of them, e.g. `max_connections=10`
 */
export async function startPostgresProcess(
  bin: string,
  data: string,
  settings: readonly string[],
): Promise<PostgresProcess> {
  const port = await findFreePort();
  let server: ChildProcess | undefined;

  async function start(): Promise<void> {
    const options = [...SETTINGS, ...settings, `port=${port}`, `unix_socket_directories=${dirname(data)}`];
    server = spawn(join(bin, 'postgres'), ['-D', data, ...options.flatMap((option) => ['-c', option])], {
      ...POSTGRES_USER,
      env: {},
      // a group of its own, so that one signal reaches all of its processes
      detached: true,
      stdio: ['ignore', 'ignore', process.env.POSTGRES_LOG ? 'inherit' : 'ignore'],
    });
    await until('PostgreSQL answers', () => admin('SELECT 1').catch(() => false));
  }

  async function admin(sql: string, database = 'postgres'): Promise<Record<string, unknown>[]> {
    const client = new Client({ host: '127.0.0.1', port, user: 'postgres', database });
    client.on('error', () => undefined);
    await client.connect();
    try {
      return (await client.query(sql)).rows;
    } finally {
      await client.end();
    }
  }

  async function kill(): Promise<void> {
    if (!server?.pid || server.exitCode !== null || server.signalCode !== null) return;
    const ended = once(server, 'exit');
    process.kill(-server.pid, 'SIGKILL');
    await ended;
  }

  await start();
  return { port, admin, kill, start };
}

function giveToPostgres(path: string): void {
  const { uid, gid } = POSTGRES_USER;
  if (uid !== undefined && gid !== undefined) chownSync(path, uid, gid);
}
