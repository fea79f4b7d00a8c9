import { DynamoDB, paginateQuery } from '@aws-sdk/client-dynamodb';
import { StoreCorruptError } from '../../src/errors';
import { openDynamoStore } from '../../src/store/dynamodb';
import type { ResultStore, StoredJob } from '../../src/store/store';
import { type DynamoProxy, openDynamoProxy } from '../support/dynamodb-proxy';
import { type DynamoServer, startDynamo } from '../support/dynamodb-server';
import { storedJob } from '../support/stored-job';

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

const table = () => url.slice('dynamodb:'.length).split('?')[0]!;
const write = (key: string, blobs: Record<string, string>, dropBlobs = false) =>
  store.update(key, () => ({ returns: 0, job: storedJob(key), blobs, dropBlobs }));

/** The sort keys of a job's pieces. */
async function pieces(key: string): Promise<string[]> {
  const found: string[] = [];
  const pages = paginateQuery(
    { client: db },
    {
      TableName: table(),
      KeyConditionExpression: 'pk = :pk AND begins_with(sk, :piece)',
      ExpressionAttributeValues: { ':pk': { S: key }, ':piece': { S: 'piece#' } },
      ProjectionExpression: 'sk',
      ConsistentRead: true,
    },
  );
  for await (const { Items = [] } of pages) found.push(...Items.map(({ sk }) => sk!.S!));
  return found;
}

/** A piece that a writer left who died before its row. */
const orphan = (key: string, sk: string) =>
  db.putItem({
    TableName: table(),
    Item: { pk: { S: key }, sk: { S: sk }, body: { B: Buffer.from('canary') } },
  });

test('a row over the 400 KB of an item is read and listed whole, again and again', async () => {
  for (const token of [1, 2]) {
    const job = storedJob('job', { token, result: { json: JSON.stringify('ü'.repeat(500_000)) } });
    await store.update('job', () => ({ returns: 0, job }));
    expect((await store.read('job')).job).toEqual(job);
    expect((await store.list({})).jobs).toEqual([job]);
    expect(await pieces('job')).toHaveLength(3);
  }
  await write('job', {});
  expect((await store.read('job')).job).toEqual(storedJob('job'));
  expect(await pieces('job')).toEqual([]);
});

test('a text that is replaced leaves no piece behind', async () => {
  await write('job', { a: 'x'.repeat(1_000_000), b: 'kept' });
  await write('job', { a: 'y' });
  expect(await pieces('job')).toHaveLength(2);
  expect(await store.readBlob('job', 'b')).toBe('kept');
});

test('a writer that loses a race leaves no piece behind', async () => {
  let raced = false;
  await store.update('job', () => ({ returns: 0, job: storedJob('job'), blobs: { a: 'first' } }));
  const other = await openDynamoStore(url);
  const races: Promise<unknown>[] = [];
  await store.update('job', (job) => {
    if (!raced) {
      raced = true;
      races.push(
        ...Array.from({ length: 8 }, (_, i) =>
          other.update('job', () => ({ returns: 0, job: storedJob('job'), blobs: { b: `b${i}` } })),
        ),
      );
    }
    return { returns: 0, job: job!, blobs: { a: 'second' } };
  });
  await Promise.all(races);
  expect(await store.readBlob('job', 'a')).toBe('second');
  expect(await store.readBlob('job', 'b')).toMatch(/^b\d$/);
  expect(await pieces('job')).toHaveLength(2);
  await other.close();
});

test('dropping erases what a writer left that died, and nothing of other jobs', async () => {
  await write('job', { a: 'x'.repeat(500_000) });
  await write('job2', { a: 'kept' });
  await orphan('job', 'piece#00000000.dead.0#0000');
  await write('job', { b: 'new' }, true);
  expect(await pieces('job')).toHaveLength(1);
  expect(await store.readBlob('job', 'b')).toBe('new');
  expect(await store.readBlob('job2', 'a')).toBe('kept');
});

test('a drop whose process died before it had erased all is finished by whoever comes next', async () => {
  await write('job', { a: 'text' });
  await write('job', {}, true);
  await orphan('job', 'piece#00000000.left.0#0000');
  await db.updateItem({
    TableName: table(),
    Key: { pk: { S: 'job' }, sk: { S: 'row' } },
    UpdateExpression: 'SET unswept = :true',
    ExpressionAttributeValues: { ':true': { BOOL: true } },
  });
  await store.update('job', () => ({ returns: 0 }));
  expect(await pieces('job')).toEqual([]);
  // and only once
  await orphan('job', 'piece#00000000.left.0#0000');
  await store.update('job', () => ({ returns: 0 }));
  expect(await pieces('job')).toHaveLength(1);
});

test('a row that is removed leaves no piece behind, also none of a writer that died', async () => {
  await write('job', { a: 'x'.repeat(500_000) });
  await write('job2', { a: 'kept' });
  await orphan('job', 'piece#00000000.dead.0#0000');
  expect(await store.remove([storedJob('job')])).toBe(1);
  expect(await pieces('job')).toEqual([]);
  expect((await store.read('job')).job).toBeNull();
  expect(await store.readBlob('job2', 'a')).toBe('kept');
});

describe('a row whose pieces are replaced while it is listed', () => {
  const large = (token: number, status: StoredJob['status'] = 'PENDING') =>
    storedJob('job', { token, status, result: { json: JSON.stringify('x'.repeat(500_000)) } });
  const put = (job: StoredJob) => store.update(job.key, () => ({ returns: 0, job }));
  let proxy: DynamoProxy;
  let slow: ResultStore;
  beforeEach(async () => {
    proxy = await openDynamoProxy(server.url);
    slow = await openDynamoStore(url.replace(server.url, proxy.url));
    await put(storedJob('other'));
    await put(large(1));
  });
  afterEach(async () => {
    await slow.close();
    await proxy.close();
  });

  test('is looked at again, and is no damage', async () => {
    proxy.beforeNextPieces(() => put(large(2)));
    const { jobs, corrupt } = await slow.list({});
    expect(corrupt).toBeUndefined();
    expect(jobs.map(({ key, token }) => [key, token])).toEqual([
      ['other', 1],
      ['job', 2],
    ]);
  });

  test('is none of a list that it has left, by its status or for good', async () => {
    proxy.beforeNextPieces(() => put(large(2, 'COMPLETED')));
    const { jobs, corrupt } = await slow.list({ status: 'PENDING' });
    expect([jobs.map(({ key }) => key), corrupt]).toEqual([['other'], undefined]);
    proxy.beforeNextPieces(() => store.remove([large(2)]));
    const all = await slow.list({});
    expect([all.jobs.map(({ key }) => key), all.corrupt]).toEqual([['other'], undefined]);
  });

  test('and one that lacks a piece is damage, as a read of it says, and hides no other', async () => {
    const [piece] = await pieces('job');
    await db.deleteItem({ TableName: table(), Key: { pk: { S: 'job' }, sk: { S: piece! } } });
    const { jobs, corrupt } = await slow.list({});
    expect(jobs.map(({ key }) => key)).toEqual(['other']);
    const read = await store.read('job').catch((error) => error);
    expect(read).toBeInstanceOf(StoreCorruptError);
    expect(corrupt).toEqual([{ key: 'job', message: read.message }]);
  });

  test('nor does one that this store did not write', async () => {
    await db.updateItem({
      TableName: table(),
      Key: { pk: { S: 'job' }, sk: { S: 'row' } },
      UpdateExpression: 'REMOVE rev',
    });
    const { jobs, corrupt } = await slow.list({});
    expect(jobs.map(({ key }) => key)).toEqual(['other']);
    expect(corrupt).toMatchObject([{ key: 'job' }]);
  });
});

test('a piece that is missing is an error and never a shorter text', async () => {
  await write('job', { a: 'x'.repeat(1_000_000) });
  const [, second] = await pieces('job');
  await db.deleteItem({ TableName: table(), Key: { pk: { S: 'job' }, sk: { S: second! } } });
  await expect(store.readBlob('job', 'a')).rejects.toThrow(StoreCorruptError);
});
