import { DynamoDB } from '@aws-sdk/client-dynamodb';
import { ConfigError, StoreCorruptError, UnreachableError } from '../../src/errors';
import { openDynamoStore } from '../../src/store/dynamodb';
import type { ResultStore } from '../../src/store/store';
import { type DynamoProxy, openDynamoProxy } from '../support/dynamodb-proxy';
import { type DynamoServer, startDynamo } from '../support/dynamodb-server';
import { type Gate, openGate } from '../support/gate';
import { storedJob } from '../support/stored-job';
import { until } from '../support/until';

const ONE_SENTENCE = /^[^\n]*\.$/;

let server: DynamoServer;
let db: DynamoDB;
let url: string;
let store: ResultStore;
beforeAll(async () => {
  server = await startDynamo();
  db = new DynamoDB({ endpoint: server.url });
});
afterAll(async () => {
  db.destroy();
  await server.stop();
});
beforeEach(async () => {
  url = await server.createTable();
  store = await openDynamoStore(url);
});
afterEach(() => store.close());

const put = (key: string) => store.update(key, () => ({ returns: key, job: storedJob(key) }));
const table = () => url.slice('dynamodb:'.length).split('?')[0]!;
const through = (other: string) => url.replace(server.url, other);

async function refusal(of: string): Promise<Error> {
  const error = await openDynamoStore(of).then(
    () => null,
    (e: unknown) => e as Error,
  );
  expect(error!.message).toMatch(ONE_SENTENCE);
  return error!;
}

describe('behind a network that fails', () => {
  let gate: Gate;
  let linked: ResultStore;
  beforeEach(async () => {
    gate = await openGate(server.url.replace('http://', ''));
    linked = await openDynamoStore(through(`http://${gate.address}`));
  });
  afterEach(async () => {
    await linked.close();
    await gate.close();
  });

  test('a server that is away is said to be, and is found again', async () => {
    await put('before');
    gate.cut();
    const away = await linked.read('before').catch((e) => e);
    expect(away).toBeInstanceOf(UnreachableError);
    expect(away.message).toMatch(ONE_SENTENCE);
    expect(away.message).toContain(table());
    const write = linked.update('meanwhile', () => ({ returns: 0, job: storedJob('meanwhile') }));
    await expect(write).rejects.toThrow(UnreachableError);
    gate.open();
    expect((await linked.read('before')).job).toEqual(storedJob('before'));
    expect((await linked.read('meanwhile')).job).toBeNull();
  });

  test('a server that hangs is away after a while', async () => {
    gate.hold();
    await expect(linked.read('job')).rejects.toThrow(UnreachableError);
    gate.open();
    expect((await linked.read('job')).job).toBeNull();
  });

  test('a write that is committed and stays without a reply is told as an outage, and stands', async () => {
    const write = linked.update('job', () => {
      // the row is read; what follows is the write
      gate.swallowReplies();
      return { returns: 0, job: storedJob('job') };
    });
    write.catch(() => undefined);
    await until('the write is committed', async () => (await store.read('job')).job);
    gate.cut();
    await expect(write).rejects.toThrow(UnreachableError);
    gate.open();
    expect((await linked.read('job')).job).toEqual(storedJob('job'));
  });
});

describe('a write whose reply is lost, so that the SDK sends it again', () => {
  let proxy: DynamoProxy;
  let linked: ResultStore;
  let decided: (number | null)[];
  beforeEach(async () => {
    proxy = await openDynamoProxy(server.url);
    linked = await openDynamoStore(through(proxy.url));
    decided = [];
  });
  afterEach(async () => {
    await linked.close();
    await proxy.close();
  });

  /** Makes the job one token older, and notes over which token it was decided. */
  const grow = (by: ResultStore, blobs: Record<string, string> = {}) =>
    by.update('job', (job) => {
      if (by === linked) decided.push(job?.token ?? null);
      const token = (job?.token ?? 0) + 1;
      return { returns: token, job: storedJob('job', { token }), blobs };
    });

  test('is found to be done, and is decided once', async () => {
    proxy.loseNextReply();
    expect(await grow(linked, { a: 'text' })).toBe(1);
    expect(decided).toEqual([null]);
    expect((await store.read('job')).job?.token).toBe(1);
    expect(await store.readBlob('job', 'a')).toBe('text');
  });

  test('is decided again where others have built on it, over what is there', async () => {
    proxy.loseNextReply(() => grow(store));
    expect(await grow(linked)).toBe(3);
    expect(decided).toEqual([null, 2]);
    expect((await store.read('job')).job?.token).toBe(3);
  });

  test('keeps its text where others have built on it', async () => {
    proxy.loseNextReply(() => grow(store));
    expect(await grow(linked, { a: 'text' })).toBe(1);
    expect((await store.read('job')).job?.token).toBe(2);
    expect(await store.readBlob('job', 'a')).toBe('text');
  });
});

test('a throttled table is tried again, then said to be throttled, without what AWS says of the account', async () => {
  const proxy = await openDynamoProxy(server.url);
  const linked = await openDynamoStore(through(proxy.url));
  proxy.throttle(2);
  expect((await linked.read('job')).job).toBeNull();
  proxy.throttle(1000);
  const refused = await linked.read('job').catch((e) => e);
  expect(refused).toBeInstanceOf(UnreachableError);
  expect(refused.message).toMatch(ONE_SENTENCE);
  expect(refused.message).toContain('takes no more requests');
  expect(refused.message).not.toContain('secret');
  proxy.throttle(0);
  expect((await linked.read('job')).job).toBeNull();
  await linked.close();
  await proxy.close();
});

test('a job costs three reads and three writes', async () => {
  const proxy = await openDynamoProxy(server.url);
  const linked = await openDynamoStore(through(proxy.url));
  const before = proxy.seen('GetItem') + proxy.seen('PutItem');
  for (let token = 1; token <= 3; token++) {
    await linked.update('job', () => ({ returns: 0, job: storedJob('job', { token }) }));
  }
  expect(proxy.seen('GetItem') + proxy.seen('PutItem') - before).toBe(6);
  expect(proxy.seen('DeleteItem') + proxy.seen('Query') + proxy.seen('UpdateItem')).toBe(0);
  await linked.close();
  await proxy.close();
});

test('a damaged row is an error and never "no such job"', async () => {
  await put('damaged');
  await db.updateItem({
    TableName: table(),
    Key: { pk: { S: 'damaged' }, sk: { S: 'row' } },
    UpdateExpression: 'SET doc = :doc',
    ExpressionAttributeValues: { ':doc': { S: '{"key":' } },
  });
  const never = jest.fn();
  await expect(store.read('damaged')).rejects.toThrow(StoreCorruptError);
  await expect(store.update('damaged', never)).rejects.toThrow(StoreCorruptError);
  expect(never).not.toHaveBeenCalled();
  expect(await store.list({})).toMatchObject({ jobs: [], corrupt: [{ key: 'damaged' }] });
});

test('a table that is gone is an outage and never "no such job"', async () => {
  await put('gone');
  await db.deleteTable({ TableName: table() });
  await expect(store.read('gone')).rejects.toThrow(UnreachableError);
});

describe('what can’t be a store is refused in one sentence', () => {
  const settings = { ...process.env };
  afterEach(() => {
    for (const name of Object.keys(process.env)) if (!(name in settings)) delete process.env[name];
    Object.assign(process.env, settings);
  });
  beforeAll(() => Object.assign(settings, process.env));

  test('there is no such table, and none is made by looking for it', async () => {
    const next = server.nextUrl();
    for (let times = 0; times < 2; times++) {
      const error = await refusal(next);
      expect(error).toBeInstanceOf(ConfigError);
      expect(error.message).toContain('infer-once setup');
    }
  });

  test('there are no credentials', async () => {
    delete process.env.AWS_ACCESS_KEY_ID;
    const error = await refusal(url);
    expect(error).toBeInstanceOf(ConfigError);
    expect(error.message).toContain('AWS_PROFILE');
  });

  test('no region is set', async () => {
    delete process.env.AWS_REGION;
    const error = await refusal(url.replace('&region=eu-west-1', ''));
    expect(error).toBeInstanceOf(ConfigError);
    expect(error.message).toContain('AWS_REGION');
  });

  test.each([['dynamodb:'], ['dynamodb:a table'], ['dynamodb:table?typo=1'], ['dynamodb:table?endpoint=x']])(
    '%s names no table',
    async (of) => {
      expect(await refusal(of)).toBeInstanceOf(ConfigError);
    },
  );

  test('nobody listens', async () => {
    expect(await refusal(through('http://127.0.0.1:1'))).toBeInstanceOf(UnreachableError);
  });

  test('the table is another program’s', async () => {
    await db.createTable({
      TableName: 'others',
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: [{ AttributeName: 'id', AttributeType: 'S' }],
      KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
    });
    const error = await refusal(url.replace(table(), 'others'));
    expect(error).toBeInstanceOf(ConfigError);
    expect(error.message).toContain('another program');
  });

  test('a newer schema', async () => {
    await db.updateItem({
      TableName: table(),
      Key: { pk: { S: '#infer-once' }, sk: { S: 'meta' } },
      UpdateExpression: 'SET version = :version',
      ExpressionAttributeValues: { ':version': { N: '99' } },
    });
    expect((await refusal(url)).message).toContain('update infer-once');
  });
});
