import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { debianPostgres } from './debian-postgres';
import { type Gate, openGate } from './gate';
import {
  initPostgres,
  makePostgresFolder,
  type PostgresProcess,
  runPostgresTool,
  startPostgresProcess,
} from './postgres-process';
import { until } from './until';

/** A primary and its standby behind one address, as a virtual IP, a proxy or a managed service gives it. */
export interface PostgresPair {
  primary: PostgresProcess;
  standby: PostgresProcess;
  /** The address: it leads to the primary, and after {@link PostgresPair.failOver} to the standby. */
  gate: Gate;
  /** The way of the write-ahead log to the standby. */
  replication: Gate;
  /** The URL, through the gate, of a new database; the standby has it, too. */
  createDatabase(): Promise<string>;
  /** Kills the primary by SIGKILL, promotes the standby and leads the address there. */
  failOver(): Promise<void>;
  stop(): Promise<void>;
}

/**
 * Starts Debian's PostgreSQL twice.
 *
 * @param synchronous - whether a commit waits until the standby has it on its disk
 */
export async function startPostgresPair(synchronous: boolean): Promise<PostgresPair> {
  const bin = debianPostgres();
  const folder = makePostgresFolder();
  const [mine, copy] = [join(folder, 'primary'), join(folder, 'standby')];
  await initPostgres(bin, mine);
  const primary = await startPostgresProcess(bin, mine, []);
  const replication = await openGate(addressOf(primary));
  const from = ['-h', '127.0.0.1', '-p', replication.address.split(':')[1]!, '-U', 'postgres'];
  const how = ['--write-recovery-conf', '--wal-method=stream', '--checkpoint=fast', '--no-sync'];
  await runPostgresTool(bin, 'pg_basebackup', ['-D', copy, ...from, ...how]);
  const standby = await startPostgresProcess(bin, copy, []);
  // only now: without a standby no commit would end
  if (synchronous) {
    await primary.admin(`ALTER SYSTEM SET synchronous_standby_names = '*'`);
    await primary.admin('SELECT pg_reload_conf()');
  }
  const state = synchronous ? 'sync' : 'async';
  await until(`the standby is ${state}`, async () => {
    const rows = await primary.admin('SELECT sync_state FROM pg_stat_replication');
    return rows.some((row) => row.sync_state === state);
  });
  const gate = await openGate(addressOf(primary));
  let databases = 0;
  return {
    ...{ primary, standby, gate, replication },
    async createDatabase() {
      const name = `store_${++databases}`;
      await primary.admin(`CREATE DATABASE ${name}`);
      await until('the standby has the database', () => standby.admin('SELECT 1', name).catch(() => false));
      return `postgres://postgres@${gate.address}/${name}`;
    },
    async failOver() {
      await primary.kill();
      await standby.admin('SELECT pg_promote()');
      gate.leadTo(addressOf(standby));
    },
    async stop() {
      await Promise.all([primary.kill(), standby.kill()]);
      await Promise.all([gate.close(), replication.close()]);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function addressOf({ port }: PostgresProcess): string {
  return `127.0.0.1:${port}`;
}
