import { Client } from 'pg';
import { StoreCorruptError } from '../../src/errors';
import { openPostgresStore } from '../../src/store/postgres';
import type { ResultStore } from '../../src/store/store';
import { type PostgresServer, startPostgres } from '../support/postgres-server';
import { storedJob } from '../support/stored-job';
import { until } from '../support/until';

let server: PostgresServer;
let url: string;
let store: ResultStore;
beforeAll(async () => {
  server = await startPostgres();
});
afterAll(() => server.stop());
beforeEach(async () => {
  url = await server.createDatabase();
  store = await openPostgresStore(url);
});
afterEach(() => store.close());

const put = (key: string) => store.update(key, () => ({ returns: key, job: storedJob(key) }));
const sql = (text: string) => server.admin(text, new URL(url).pathname.slice(1));

/** A statement's trigger tells how many statements changed the table. */
async function countStatements(): Promise<() => Promise<number>> {
  await sql(`CREATE SEQUENCE infer_once.statements;
    CREATE FUNCTION infer_once.count_one() RETURNS trigger LANGUAGE plpgsql AS
      $$ BEGIN PERFORM nextval('infer_once.statements'); RETURN NULL; END $$;
    CREATE TRIGGER counted AFTER INSERT OR UPDATE ON infer_once.jobs
      FOR EACH STATEMENT EXECUTE FUNCTION infer_once.count_one()`);
  return async () => Number((await sql("SELECT nextval('infer_once.statements') - 1 AS n"))[0]!.n);
}

test('jobs that are written at once travel together, and each knows what became of its own', async () => {
  const counted = await countStatements();
  const keys = Array.from({ length: 320 }, (_, index) => `job-${index >> 1}`);
  const fates = await Promise.all(
    keys.map((key) =>
      store.update(key, (job) => (job ? { returns: 'met' } : { returns: 'made', job: storedJob(key) })),
    ),
  );
  expect(fates.filter((fate) => fate === 'made')).toHaveLength(160);
  expect(await counted()).toBeLessThanOrEqual(16);
});

test('a row that the server can not write is the trouble of its own job', async () => {
  await sql(`CREATE FUNCTION infer_once.fail() RETURNS trigger LANGUAGE plpgsql AS
      $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = 'XX001'; END $$;
    CREATE TRIGGER fails BEFORE INSERT ON infer_once.jobs
      FOR EACH ROW WHEN (NEW.key = 'bad') EXECUTE FUNCTION infer_once.fail()`);
  const [good, bad, other] = await Promise.allSettled(['good', 'bad', 'other'].map(put));
  expect([good, other]).toMatchObject([{ value: 'good' }, { value: 'other' }]);
  expect(bad).toMatchObject({ reason: expect.any(StoreCorruptError) });
});

test('a row that can not be trusted is the trouble of its own job', async () => {
  await Promise.all(['good', 'bad'].map(put));
  await sql(`UPDATE infer_once.jobs SET doc = '{}' WHERE key = 'bad'`);
  const [good, bad] = await Promise.allSettled(['good', 'bad'].map((key) => store.read(key)));
  expect(good).toMatchObject({ value: { job: storedJob('good') } });
  expect(bad).toMatchObject({ reason: expect.any(StoreCorruptError) });
});

test('a job whose row somebody else holds waits by itself', async () => {
  const keys = Array.from({ length: 40 }, (_, index) => `job-${index}`);
  await Promise.all(keys.map(put));
  const other = new Client({ connectionString: url });
  await other.connect();
  await other.query(`BEGIN; SELECT FROM infer_once.jobs WHERE key = 'job-0' FOR UPDATE`);
  const touch = (key: string) =>
    store.update(key, (job) => ({ returns: key, job: { ...job!, attempts: job!.attempts + 1 } }));
  const [held, ...free] = keys.map(touch);
  expect(await Promise.all(free)).toEqual(keys.slice(1));
  await until('the one waits', async () => (await sql('SELECT FROM pg_locks WHERE NOT granted')).length > 0);
  // and nobody who comes later
  await Promise.all(keys.slice(1).map(touch));
  await other.end();
  await held;
  for (const key of keys)
    expect((await store.read(key)).job).toMatchObject({ attempts: key === 'job-0' ? 1 : 2 });
});

test('to remove jobs waits for nobody: one that is being written is not as it was seen', async () => {
  const keys = ['a', 'b'];
  await Promise.all(keys.map(put));
  const rows = await Promise.all(keys.map(async (key) => (await store.read(key)).job!));
  const other = new Client({ connectionString: url });
  await other.connect();
  await other.query(`BEGIN; SELECT FROM infer_once.jobs WHERE key = 'a' FOR UPDATE`);
  expect(await store.remove(rows)).toBe(1);
  await other.end();
  expect((await store.read('a')).job).toEqual(storedJob('a'));
  expect((await store.read('b')).job).toBeNull();
});

test('processes that write the same jobs in different orders do not hold each other up', async () => {
  const keys = Array.from({ length: 64 }, (_, index) => `job-${index}`);
  await Promise.all(keys.map(put));
  const second = await openPostgresStore(url);
  const touchAll = (by: ResultStore, order: string[]) =>
    Promise.all(
      order.map((key) => by.update(key, (job) => ({ returns: 0, job: { ...job!, token: job!.token + 1 } }))),
    );
  for (let round = 0; round < 50; round += 1) {
    await Promise.all([touchAll(store, keys), touchAll(second, keys.toReversed())]);
  }
  await second.close();
  for (const key of keys) expect((await store.read(key)).job).toMatchObject({ token: 101 });
  await store.close();
  expect(
    await sql('SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()'),
  ).toMatchObject([{ deadlocks: '0' }]);
});
