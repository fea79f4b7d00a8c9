import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from 'pg';
import { findFreePort } from '../../src/dev/temporal';
import { POSTGRES_USER, type PostgresProcess } from './postgres-process';
import { until } from './until';

/** A pooler before a PostgreSQL server, in transaction mode: a session lasts as long as a statement. */
export interface PgBouncer {
  /** The URL of a server's database, through the pooler. */
  through(url: string): string;
  stop(): Promise<void>;
}

/**
 * Starts Debian's `pgbouncer`, as it is set when nobody thinks of infer-once.
 *
 * @param folder - where it may write
 * @param sessions - how many connections to the server all of its clients share
 * @param more - other settings
 */
export async function startPgBouncer(
  server: PostgresProcess,
  folder: string,
  sessions: number,
  more: Record<string, string> = {},
): Promise<PgBouncer> {
  const port = await findFreePort();
  const ini = join(folder, `pgbouncer-${port}.ini`);
  const settings = {
    listen_addr: '127.0.0.1',
    listen_port: port,
    unix_socket_dir: '',
    auth_type: 'any',
    pool_mode: 'transaction',
    default_pool_size: sessions,
    max_client_conn: 500,
    ...more,
  };
  const lines = Object.entries(settings).map(([name, value]) => `${name} = ${value}`);
  const databases = `* = host=127.0.0.1 port=${server.port} user=postgres`;
  writeFileSync(ini, `[databases]\n${databases}\n\n[pgbouncer]\n${lines.join('\n')}\n`);
  const pooler = spawn('pgbouncer', ['-q', ini], { ...POSTGRES_USER, stdio: 'ignore' });
  const failed = once(pooler, 'error').then(([cause]) => {
    throw new Error('pgbouncer is missing: apt-get install -y --no-install-recommends pgbouncer', { cause });
  });
  await Promise.race([failed, until('pgbouncer answers', () => answers(port).catch(() => false))]);
  return {
    through: (url) => url.replace(/@[^/]+/, `@127.0.0.1:${port}`),
    stop: () => end(pooler),
  };
}

async function answers(port: number): Promise<boolean> {
  const client = new Client({ host: '127.0.0.1', port, user: 'postgres', database: 'postgres' });
  client.on('error', () => undefined);
  try {
    await client.connect();
    return (await client.query('SELECT 1')).rowCount === 1;
  } finally {
    await client.end();
  }
}

async function end(pooler: ChildProcess): Promise<void> {
  const ended = once(pooler, 'exit');
  pooler.kill('SIGKILL');
  await ended;
}
