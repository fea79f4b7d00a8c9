import { claim, inspect } from '../../src/once/rules/claim';
import { openDynamoStore } from '../../src/store/dynamodb';
import { sealedStore } from '../../src/store/sealed';
import type { ResultStore } from '../../src/store/store';
import { describeStore } from '../store/conformance';
import { describeProcesses } from '../store/processes';
import { describeProperties } from '../store/property';
import { type DynamoServer, startDynamo } from '../support/dynamodb-server';
import { testKeys } from '../support/encryption-keys';
import { expectResealBesideJob } from '../support/reseal-beside';

let server: DynamoServer;
beforeAll(async () => {
  server = await startDynamo();
});
afterAll(() => server.stop());

describeStore('dynamodb', async () => {
  const url = await server.createTable();
  let ahead = 0;
  const clocks = { wallClock: () => Date.now() + ahead, monotonic: () => performance.now() + ahead };
  let store: ResultStore = await openDynamoStore(url, clocks);
  return {
    store,
    advance: (ms) => {
      ahead += ms;
    },
    async reopen() {
      await store.close();
      store = await openDynamoStore(url, clocks);
      return store;
    },
    cleanup: () => store.close(),
  };
});

describeStore('sealed dynamodb', async () => {
  const url = await server.createTable();
  const keys = testKeys('k1');
  let ahead = 0;
  const clocks = { wallClock: () => Date.now() + ahead, monotonic: () => performance.now() + ahead };
  let store = sealedStore(await openDynamoStore(url, clocks), keys);
  return {
    store,
    advance: (ms) => {
      ahead += ms;
    },
    async reopen() {
      await store.close();
      store = sealedStore(await openDynamoStore(url, clocks), keys);
      return store;
    },
    cleanup: () => store.close(),
  };
});

test.each(['clear', 'sealed'])(
  'a lease in a %s row has the time that its owner was given, by whatever clock another machine looks',
  async (how) => {
    const url = await server.createTable();
    const keys = how === 'sealed' ? testKeys('k1') : null;
    const owner = sealedStore(await openDynamoStore(url), keys);
    const ahead = { wallClock: () => Date.now() + 3_600_000, monotonic: () => performance.now() };
    const other = sealedStore(await openDynamoStore(url, ahead), keys);
    const seed = { key: 'job', task: 't', task_version: null, input_digest: 'd', input_json: '1' };
    await owner.update('job', claim({ seed, permit: undefined, call_id: 'c1', lease_ms: 60_000 }));
    const { job, now } = await other.read('job');
    expect(inspect(job, 'd', undefined, now).kind).toBe('busy');
    await owner.close();
    await other.close();
  },
);

test('resealing beside a job that runs leaves it its claim: its owner decides anew, and calls once', async () => {
  const store = await openDynamoStore(await server.createTable());
  await expectResealBesideJob(store);
  await store.close();
});

describeProcesses('one DynamoDB table', async () => ({
  url: await server.createTable(),
  cleanup: () => undefined,
}));

/** moto answers some 200 requests a second, and a run makes some 200. */
const RUNS = 200;

describeProperties(
  'dynamodb',
  async () => {
    const store = await openDynamoStore(await server.createTable());
    return { store, cleanup: () => store.close() };
  },
  RUNS,
);
