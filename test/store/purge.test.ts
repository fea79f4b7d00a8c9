import { purgeJobs } from '../../src/client/purge';
import { JOB_STATUSES } from '../../src/job';
import { openMemoryStore } from '../../src/store/memory';
import { sealedStore } from '../../src/store/sealed';
import type { ListFilter, ResultStore, StoredJob } from '../../src/store/store';
import { testKeys } from '../support/encryption-keys';
import { storedJob } from '../support/stored-job';

const DAY = 86_400_000;
const NOW = 1_000 * DAY;

let store: ResultStore;
beforeEach(() => {
  store = openMemoryStore({ now: () => NOW });
});

const put = (key: string, change: Partial<StoredJob>) =>
  store.update(key, () => ({ returns: 0, job: storedJob(key, change), blobs: { a: '"text"' } }));
const keys = async (filter: ListFilter = {}) => (await store.list(filter)).jobs.map(({ key }) => key).sort();

async function purge(
  ...[rules, options]: [Parameters<typeof purgeJobs>[1], Parameters<typeof purgeJobs>[2]?]
) {
  let [jobs, left, steps] = [0, 0, 0];
  for await (const step of purgeJobs(store, rules, options)) {
    jobs += step.jobs;
    left += step.left;
    steps += 1;
  }
  return { jobs, left, steps };
}

test('takes settled jobs that are old enough, and never an unsettled one', async () => {
  for (const status of JOB_STATUSES) {
    await put(`old-${status}`, { status, updated_at: NOW - 90 * DAY - 1 });
    await put(`acme/new-${status}`, { status, updated_at: NOW - 90 * DAY });
  }
  const before = await keys();
  expect(await purge([{ keepMs: 90 * DAY }], { dryRun: true })).toMatchObject({ jobs: 4, left: 0 });
  expect(await keys()).toEqual(before);
  expect(await purge([{ keepMs: 90 * DAY }])).toMatchObject({ jobs: 4, left: 0 });
  const gone = ['CANCELED', 'COMPLETED', 'FAILED', 'FORGOTTEN'].map((status) => `old-${status}`);
  expect(before.filter((key) => !gone.includes(key))).toEqual(await keys());
  for (const key of gone) expect(await store.readBlob(key, 'a')).toBeNull();
  expect(await store.readBlob('old-IN_DOUBT', 'a')).toBe('"text"');
});

test('keeps each task as long as it says, and one that says nothing for ever', async () => {
  for (const task of ['short', 'long', 'none']) {
    await put(`${task}-1`, { task, status: 'COMPLETED', updated_at: NOW - 50 * DAY });
  }
  const rules = [
    { task: 'short', keepMs: 30 * DAY },
    { task: 'long', keepMs: 60 * DAY },
  ];
  expect(await purge(rules)).toMatchObject({ jobs: 1 });
  expect(await keys()).toEqual(['long-1', 'none-1']);
});

test('goes in batches, and misses none', async () => {
  for (let i = 0; i < 23; i += 1) await put(`job-${i}`, { status: 'COMPLETED', updated_at: 1000 + (i % 5) });
  expect(await purge([{ keepMs: DAY }], { batch: 5 })).toEqual({ jobs: 23, left: 0, steps: 5 });
  expect(await keys()).toEqual([]);
});

test('a job that is opened again between the look and the removal stays', async () => {
  await put('retried', { status: 'FAILED', token: 3, updated_at: 1000 });
  await put('old', { status: 'FAILED', token: 3, updated_at: 1000 });
  const backend = store;
  const list: ResultStore['list'] = async (filter) => {
    const page = await backend.list(filter);
    if (filter.status !== 'FAILED') return page;
    await backend.update('retried', (row, now) => ({
      returns: 0,
      job: { ...row!, status: 'IN_PROGRESS', token: 4, updated_at: now },
    }));
    return page;
  };
  store = Object.assign(Object.create(backend) as ResultStore, { list });
  expect(await purge([{ keepMs: DAY }])).toMatchObject({ jobs: 1, left: 1 });
  store = backend;
  expect(await keys()).toEqual(['retried']);
});

test('of a sealed store too; what it can not open it leaves', async () => {
  const backend = store;
  store = sealedStore(backend, testKeys('k1'));
  await put('mine', { status: 'COMPLETED', updated_at: 1000 });
  store = sealedStore(backend, testKeys('k2'));
  await put('theirs', { status: 'COMPLETED', updated_at: 1000 });
  expect(await purge([{ keepMs: DAY }])).toMatchObject({ jobs: 1, left: 1 });
  store = backend;
  expect(await keys()).toEqual(['mine']);
});
