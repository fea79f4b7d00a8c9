import { Client } from 'pg';
import { openPostgresStore } from '../../src/store/postgres';
import type { ResultStore, StoredJob } from '../../src/store/store';
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
  const url = hidden.through(await server.createDatabase());
  const stores = [];
  for (let n = 0; n < 4; n += 1) stores.push(await openPostgresStore(url));
  const keys = Array.from({ length: 100 }, (_, index) => `job-${index}`);
  // one at a time: what is asked for at once goes without names
  const touchAll = async (store: ResultStore) => {
    for (const key of keys) {
      const touch = (job: StoredJob | null) => ({ ...storedJob(key), token: (job?.token ?? 0) + 1 });
      await store.update(key, (job) => ({ returns: 0, job: touch(job) }));
    }
  };
  await Promise.all(stores.map(touchAll));
  for (const key of keys) expect((await stores[0]!.read(key)).job).toMatchObject({ key, token: 4 });
  await Promise.all(stores.map((store) => store.close()));
  // who has these sessions next finds them as they were
  const next = new Client({ connectionString: url });
  await next.connect();
  expect((await next.query('SHOW random_page_cost')).rows).toEqual([{ random_page_cost: '4' }]);
  await next.end();
  await hidden.stop();
});
