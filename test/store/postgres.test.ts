import { openPostgresStore } from '../../src/store/postgres';
import { sealedStore } from '../../src/store/sealed';
import type { ResultStore } from '../../src/store/store';
import { testKeys } from '../support/encryption-keys';
import { type PostgresServer, startPostgres } from '../support/postgres-server';
import { describeStore } from './conformance';
import { describeProcesses } from './processes';
import { describeProperties } from './property';

let server: PostgresServer;
beforeAll(async () => {
  server = await startPostgres();
});
afterAll(() => server.stop());

describeStore('postgres', async () => {
  const url = await server.createDatabase();
  let store: ResultStore = await openPostgresStore(url);
  return {
    store,
    advance: (ms) => server.advanceClock(url, ms),
    async reopen() {
      await store.close();
      store = await openPostgresStore(url);
      return store;
    },
    cleanup: () => store.close(),
  };
});

const keys = testKeys('k1');

describeStore('sealed postgres', async () => {
  const url = await server.createDatabase();
  const open = async () => sealedStore(await openPostgresStore(url), keys);
  let store = await open();
  return {
    store,
    advance: (ms) => server.advanceClock(url, ms),
    async reopen() {
      await store.close();
      store = await open();
      return store;
    },
    cleanup: () => store.close(),
  };
});

describeProcesses('one PostgreSQL database', async () => ({
  url: await server.createDatabase(),
  cleanup: () => undefined,
}));

describeProperties('postgres', async () => {
  const store = await openPostgresStore(await server.createDatabase());
  return { store, cleanup: () => store.close() };
});
