import { openPostgresStore } from '../../src/store/postgres';
import type { ResultStore } from '../../src/store/store';
import { describeStore } from '../store/conformance';
import { describeProcesses } from '../store/processes';
import { type PgBouncer, startPgBouncer } from '../support/pgbouncer';
import { type PostgresServer, startPostgres } from '../support/postgres-server';
import { storedJob } from '../support/stored-job';

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

test('a pooler that hides what it is, and gives a named statement to another session, costs nothing but the name', async () => {
  const hidden = await startPgBouncer(server, server.folder, 4, {
    ignore_startup_parameters: 'statement_timeout,options',
  });
  const store = await openPostgresStore(hidden.through(await server.createDatabase()));
  const keys = Array.from({ length: 300 }, (_, index) => `job-${index}`);
  const touch = (key: string) =>
    store.update(key, (job) => ({ returns: 0, job: { ...storedJob(key), token: (job?.token ?? 0) + 1 } }));
  for (let round = 0; round < 3; round += 1) await Promise.all(keys.map(touch));
  for (const key of keys) expect((await store.read(key)).job).toMatchObject({ key, token: 3 });
  await store.close();
  await hidden.stop();
});
