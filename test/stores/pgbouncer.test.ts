import { openPostgresStore } from '../../src/store/postgres';
import type { ResultStore } from '../../src/store/store';
import { describeStore } from '../store/conformance';
import { describeProcesses } from '../store/processes';
import { type PgBouncer, startPgBouncer } from '../support/pgbouncer';
import { type PostgresServer, startPostgres } from '../support/postgres-server';

let server: PostgresServer;
let pooler: PgBouncer;
beforeAll(async () => {
  server = await startPostgres();
  // fewer than one store's connections: they change sessions all the time
  pooler = await startPgBouncer(server, server.folder, 4);
});
afterAll(async () => {
  await pooler.stop();
  await server.stop();
});

describeStore('postgres through a pooler', async () => {
  const url = await server.createDatabase();
  let store: ResultStore = await openPostgresStore(pooler.through(url));
  return {
    store,
    advance: (ms) => server.advanceClock(url, ms),
    async reopen() {
      await store.close();
      store = await openPostgresStore(pooler.through(url));
      return store;
    },
    cleanup: () => store.close(),
  };
});

describeProcesses('one PostgreSQL database through a pooler', async () => ({
  url: pooler.through(await server.createDatabase()),
  cleanup: () => undefined,
}));
