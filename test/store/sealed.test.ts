import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { digesterOf } from '../../src/encryption/digester';
import { EncryptionKeyMissingError, StoreCorruptError } from '../../src/errors';
import { openMemoryStore } from '../../src/store/memory';
import { openStore } from '../../src/store/open';
import { sealedStore } from '../../src/store/sealed';
import { openSqliteStore } from '../../src/store/sqlite';
import type { ResultStore, StoredJob } from '../../src/store/store';
import { testKeys } from '../support/encryption-keys';
import { advanceClock, makeFolder } from '../support/sqlite-file';
import { fullJob, storedJob } from '../support/stored-job';
import { describeStore } from './conformance';
import { describeProperties } from './property';

const keys = testKeys('k1');
const put = (store: ResultStore, job: StoredJob, blobs?: Record<string, string>) =>
  store.update(job.key, () => ({ returns: undefined, job, blobs }));

describeStore('sealed memory', async () => {
  let ahead = 0;
  const started = Date.now();
  const store = sealedStore(openMemoryStore({ now: () => started + ahead }), keys);
  return {
    store,
    advance(ms) {
      ahead += ms;
    },
    cleanup: () => store.close(),
  };
});

describeStore('sealed sqlite', async () => {
  const { folder, remove } = makeFolder();
  const file = join(folder, 'store.db');
  const open = async () => sealedStore(await openSqliteStore(file), keys);
  let store = await open();
  return {
    store,
    advance: (ms) => advanceClock(file, ms),
    async reopen() {
      await store.close();
      store = await open();
      return store;
    },
    async cleanup() {
      await store.close();
      remove();
    },
  };
});

describeProperties('sealed memory', async () => {
  const store = sealedStore(openMemoryStore(), keys);
  return { store, cleanup: () => store.close() };
});

describe('a sealed store', () => {
  let backend: ResultStore;
  beforeEach(() => {
    backend = openMemoryStore();
  });

  test('shows of a job what lists and sums need, and nothing else', async () => {
    await put(sealedStore(backend, keys), fullJob('acme/job'), { 'result/c1': '"a blob"' });
    const { job } = await backend.read('acme/job');
    const { task, status, token, attempts, usage, cost_usd, sealed } = job!;
    expect({ task, status, token, attempts, usage, cost_usd }).toMatchObject({
      ...{ task: 'enrich', status: 'COMPLETED', token: 7, attempts: 3, cost_usd: 0.000_012 },
    });
    expect(job).toMatchObject({ input_digest: '', input: null, result: null, error: null, calls: [] });
    expect(job).toMatchObject({ doubt: null, decisions: [], refusal: null, model: null, request_id: null });
    expect(sealed).toMatch(/^sealed\.k1\.[A-Za-z0-9+/]+=*$/);
    expect(await backend.readBlob('acme/job', 'result/c1')).toMatch(/^sealed\.k1\./);
    expect(await sealedStore(backend, keys).list({})).toEqual({ jobs: [fullJob('acme/job')] });
    expect(await sealedStore(backend, keys).stats()).toMatchObject([{ jobs: 1, input_tokens: 12 }]);
  });

  test('the same text is never sealed the same way twice', async () => {
    const store = sealedStore(backend, keys);
    await put(store, storedJob('job'), { a: 'text' });
    const first = [(await backend.read('job')).job?.sealed, await backend.readBlob('job', 'a')];
    await put(store, storedJob('job'), { a: 'text' });
    expect((await backend.read('job')).job?.sealed).not.toBe(first[0]);
    expect(await backend.readBlob('job', 'a')).not.toBe(first[1]);
  });

  test('reads what was written in the clear, under the digest of today, and seals it with its next write', async () => {
    await put(backend, storedJob('job', { result: { json: '"old"' } }), { a: '"clear"' });
    const store = sealedStore(backend, keys);
    const keyed = digesterOf(keys).keyed('d'.repeat(64));
    expect(keyed).toMatch(/^hmac-sha256-[0-9a-f]{64}$/);
    const { job } = await store.read('job');
    expect(job).toEqual(storedJob('job', { result: { json: '"old"' }, input_digest: keyed }));
    expect(await store.readBlob('job', 'a')).toBe('"clear"');
    await store.update('job', (row) => ({ returns: 0, job: { ...row!, token: 2 } }));
    expect((await backend.read('job')).job).toMatchObject({ result: null, token: 2, input_digest: '' });
    expect((await store.read('job')).job).toMatchObject({ result: { json: '"old"' }, input_digest: keyed });
  });

  test('after a rotation opens the old and seals with the new', async () => {
    const [old, both] = [testKeys('k1'), testKeys('k2', 'k1')];
    Object.assign(both, { find: (id: string) => (id === 'k1' ? old.current.key : both.current.key) });
    await put(sealedStore(backend, old), storedJob('job'), { a: '"text"' });
    const store = sealedStore(backend, both);
    await store.update('job', (row) => ({ returns: 0, job: { ...row!, token: 2 } }));
    expect((await backend.read('job')).job?.sealed).toMatch(/^sealed\.k2\./);
    expect(await store.readBlob('job', 'a')).toBe('"text"');
  });

  test.each([
    ['another key', testKeys('k2'), 'sealed with key k1, which the test does not have; add that key to it.'],
    ['no keys', null, 'and this process has no keys; name their file in INFER_ONCE_ENCRYPTION_KEYS_FILE.'],
  ])('with %s says in a sentence what it needs, and writes nothing', async (_, others, sentence) => {
    await put(sealedStore(backend, keys), storedJob('job'), { a: '"text"' });
    const before = (await backend.read('job')).job;
    const store = sealedStore(backend, others);
    const update = store.update('job', () => {
      throw new Error('a row that is not open was decided');
    });
    for (const call of [store.read('job'), update, store.readBlob('job', 'a')]) {
      await expect(call).rejects.toThrow(EncryptionKeyMissingError);
      await expect(call).rejects.toThrow(sentence);
      await expect(call).rejects.toThrow(/of job job is/);
    }
    await put(backend, storedJob('in-the-clear'));
    const { jobs, corrupt } = await store.list({});
    expect(jobs.map(({ key }) => key)).toEqual(['in-the-clear']);
    expect(corrupt).toEqual([{ key: 'job', message: expect.stringContaining(sentence) }]);
    expect((await backend.read('job')).job).toEqual(before);
  });

  test('a row, a blob or a state that was put in another’s place is found out', async () => {
    const store = sealedStore(backend, keys);
    await put(store, storedJob('a', { token: 3 }), { x: '"of a"' });
    await put(store, storedJob('b', { token: 3 }), { x: '"of b"', y: '"other"' });
    const [{ job: a }, { job: b }] = [await backend.read('a'), await backend.read('b')];
    await put(backend, { ...b!, sealed: a!.sealed }, { x: (await backend.readBlob('a', 'x'))! });
    await expect(store.read('b')).rejects.toThrow(StoreCorruptError);
    await expect(store.readBlob('b', 'x')).rejects.toThrow('the seal of its blob x is broken');
    await put(backend, b!, { x: (await backend.readBlob('b', 'y'))! });
    await expect(store.readBlob('b', 'x')).rejects.toThrow(StoreCorruptError);
    await put(backend, { ...b!, token: 4 });
    await expect(store.read('b')).rejects.toThrow('of another state');
    await put(backend, { ...b!, sealed: `${b!.sealed!.slice(0, -4)}AAAA` });
    await expect(store.read('b')).rejects.toThrow('its seal is broken');
  });
});

test('a store that is encrypted does not open for a process without keys, which would write in the clear', async () => {
  const { folder, remove } = makeFolder();
  const url = `sqlite:${join(folder, 'store.db')}`;
  const store = await openStore(url, { encryption: keys });
  const secret = 'canary-in-a-file';
  await put(store, storedJob('job', { result: { json: `"${secret}"` } }), { a: `"${secret}"` });
  await store.close();
  expect(readFileSync(join(folder, 'store.db')).includes(secret)).toBe(false);
  await expect(openStore(url)).rejects.toThrow('The row of job job is sealed with key k1');
  const again = await openStore(url, { encryption: keys });
  expect((await again.read('job')).job?.result).toEqual({ json: `"${secret}"` });
  await again.close();
  remove();
});
