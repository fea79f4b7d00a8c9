import { openDynamoStore } from '../../src/store/dynamodb';
import type { ResultStore } from '../../src/store/store';
import { describeStore } from '../store/conformance';
import { describeProcesses } from '../store/processes';
import { describeProperties } from '../store/property';
import { type DynamoServer, startDynamo } from '../support/dynamodb-server';

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
