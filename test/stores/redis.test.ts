import { openRedisStore } from '../../src/store/redis';
import { sealedStore } from '../../src/store/sealed';
import type { ResultStore } from '../../src/store/store';
import { describeStore } from '../store/conformance';
import { describeProcesses } from '../store/processes';
import { describeProperties } from '../store/property';
import { testKeys } from '../support/encryption-keys';
import { type RedisServer, startRedis } from '../support/redis-server';
import { expectResealBesideJob } from '../support/reseal-beside';
import { storedJob } from '../support/stored-job';

let server: RedisServer;
beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.stop());

describeStore('redis', async () => {
  const url = server.newStore();
  let store: ResultStore = await openRedisStore(url);
  return {
    store,
    advance: (ms) => server.advanceClock(url, ms),
    async reopen() {
      await store.close();
      store = await openRedisStore(url);
      return store;
    },
    cleanup: () => store.close(),
  };
});

describeStore('sealed redis', async () => {
  const url = server.newStore();
  const keys = testKeys('k1');
  let store = sealedStore(await openRedisStore(url), keys);
  return {
    store,
    advance: (ms) => server.advanceClock(url, ms),
    async reopen() {
      await store.close();
      store = sealedStore(await openRedisStore(url), keys);
      return store;
    },
    cleanup: () => store.close(),
  };
});

test('the time of a write is kept in the server, so that no later one can be before it', async () => {
  const url = server.newStore();
  const store = await openRedisStore(url);
  const decided = await store.update('job', (_, now) => ({ returns: now, job: storedJob('job') }));
  const meta = `${new URL(url).searchParams.get('prefix')}:meta`;
  expect(await server.admin('HGET', meta, 'clock')).toBe(String(decided));
  await store.close();
});

test('resealing beside a job that runs leaves it its claim: its owner decides anew, and calls once', async () => {
  const store = await openRedisStore(server.newStore());
  await expectResealBesideJob(store);
  await store.close();
});

describeProcesses('one Redis server', async () => ({
  url: server.newStore(),
  cleanup: () => undefined,
}));

describeProperties('redis', async () => {
  const store = await openRedisStore(server.newStore());
  return { store, cleanup: () => store.close() };
});
