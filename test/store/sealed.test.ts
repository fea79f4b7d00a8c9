import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { digesterOf } from '../../src/encryption/digester';
import { encryptionKeysOf } from '../../src/encryption/keys';
import { EncryptionKeyMissingError, StoreCorruptError } from '../../src/errors';
import { openMemoryStore } from '../../src/store/memory';
import { openStore } from '../../src/store/open';
import { resealRows } from '../../src/store/reseal';
import { sealedStore } from '../../src/store/sealed';
import { openSqliteStore } from '../../src/store/sqlite';
import type { ResultStore, StoredJob } from '../../src/store/store';
import { testKeys } from '../support/encryption-keys';
import { expectResealBesideJob } from '../support/reseal-beside';
import { advanceClock, makeFolder } from '../support/sqlite-file';
import { fullJob, storedJob } from '../support/stored-job';
import { describeStore } from './conformance';
import { describeProperties } from './property';

const keys = testKeys('k1');
const KEYS = { k1: randomBytes(32), k2: randomBytes(32), digest: randomBytes(32) };
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

  test('with keys that say that all is sealed takes nothing in the clear: whoever can write the store could forge it', async () => {
    const [k1, digestKey] = [KEYS.k1, KEYS.digest];
    const strict = encryptionKeysOf({ current: 'k1', keys: { k1 }, digestKey, allSealed: true }, 'the test');
    const store = sealedStore(backend, strict);
    await put(store, storedJob('own'), { a: '"text"', empty: '' });
    await put(backend, storedJob('forged', { result: { json: '"forged"' } }));
    const never = jest.fn();
    const clear = 'it is in the clear, and the test says all_sealed';
    await expect(store.read('forged')).rejects.toThrow(StoreCorruptError);
    await expect(store.read('forged')).rejects.toThrow(clear);
    await expect(store.update('forged', never)).rejects.toThrow(clear);
    expect(never).not.toHaveBeenCalled();
    const { jobs, corrupt } = await store.list({});
    expect(jobs.map(({ key }) => key)).toEqual(['own']);
    expect(corrupt).toMatchObject([{ key: 'forged' }]);
    expect(await store.readBlob('own', 'a')).toBe('"text"');
    expect(await store.readBlob('own', 'none')).toBeNull();
    await put(backend, (await backend.read('own')).job!, { a: '"forged"' });
    await expect(store.readBlob('own', 'a')).rejects.toThrow('its blob a is in the clear');
  });

  test('after a rotation opens the old and seals with the new', async () => {
    const [k1, k2, digestKey] = [KEYS.k1, KEYS.k2, KEYS.digest];
    const old = encryptionKeysOf({ current: 'k1', keys: { k1 }, digestKey });
    const both = encryptionKeysOf({ current: 'k2', keys: { k1, k2 }, digestKey });
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

describe('resealing', () => {
  const both = encryptionKeysOf({
    current: 'k2',
    keys: { k1: KEYS.k1, k2: KEYS.k2 },
    digestKey: KEYS.digest,
  });
  const old = encryptionKeysOf({ current: 'k1', keys: { k1: KEYS.k1 }, digestKey: KEYS.digest });
  const only = encryptionKeysOf({ current: 'k2', keys: { k2: KEYS.k2 }, digestKey: KEYS.digest });
  const blob = (name: string) => ({ blob: name, bytes: 70_000 });
  const withBlobs = (key: string) =>
    storedJob(key, {
      ...{ status: 'COMPLETED' as const, token: 7, input: blob('input/d'), result: blob('result/c1') },
      calls: [
        {
          ...{ call_id: 'c1', generation: 1, token: 2, claimed_at: 1, fate: 'executed' as const },
          raw: blob('raw/c1'),
          late: {
            result: blob('late/c1'),
            usage: null,
            cost_usd: null,
            model: null,
            request_id: null,
            at: 2,
          },
        },
      ],
    });
  const texts = { 'input/d': '"i"', 'result/c1': '"r"', 'raw/c1': '"raw"', 'late/c1': '"l"' };
  const reseal = async (backend: ResultStore, batch?: number) => {
    const sum = { looked: 0, resealed: 0, left: 0 };
    for await (const step of resealRows(backend, both, batch)) {
      sum.looked += step.looked;
      sum.resealed += step.resealed;
      sum.left += step.left;
    }
    return sum;
  };

  test('seals what is in the clear, or with an older key, and its blobs, so that the older key may go', async () => {
    const backend = openMemoryStore();
    await put(backend, withBlobs('clear'), { ...texts, 'input/orphan': '"nobody reads it"' });
    await put(sealedStore(backend, old), withBlobs('old'), texts);
    await put(sealedStore(backend, old), withBlobs('old-blobs'), texts);
    await put(sealedStore(backend, both), withBlobs('old-blobs'));
    await put(sealedStore(backend, both), withBlobs('new'), texts);
    await put(sealedStore(backend, testKeys('lost')), storedJob('lost'));
    const order = (await backend.list({})).jobs.map(({ key }) => key);
    expect(await reseal(backend, 2)).toEqual({ looked: 5, resealed: 3, left: 1 });
    expect(await reseal(backend)).toEqual({ looked: 5, resealed: 0, left: 1 });
    expect((await backend.list({})).jobs.map(({ key }) => key)).toEqual(order);
    for (const key of ['clear', 'old', 'old-blobs', 'new']) {
      const { job } = await sealedStore(backend, only).read(key);
      expect(job).toMatchObject({ ...withBlobs(key), input_digest: expect.any(String) });
      for (const [name, text] of Object.entries(texts)) {
        expect(await sealedStore(backend, only).readBlob(key, name)).toBe(text);
      }
    }
    expect(await backend.readBlob('clear', 'input/orphan')).toBeNull();
  });

  test('beside a job that runs leaves it its claim: it is renewed and settled, with one call', async () => {
    await expectResealBesideJob(openMemoryStore());
  });

  test('does not undo what an owner writes meanwhile', async () => {
    const backend = openMemoryStore();
    const calls = withBlobs('job').calls;
    await put(backend, storedJob('job', { token: 3, input: blob('input/d') }), { 'input/d': '"i"' });
    const later = storedJob('job', { token: 3, input: blob('input/d'), calls });
    let isFirst = true;
    const update: ResultStore['update'] = async (key, decide) => {
      // a late answer is kept beside the record without a new token
      if (isFirst) await put(sealedStore(backend, both), later, { 'raw/c1': '"raw"', 'late/c1': '"l"' });
      isFirst = false;
      return backend.update(key, decide);
    };
    await reseal(Object.assign(Object.create(backend) as ResultStore, { update }));
    const store = sealedStore(backend, only);
    expect((await store.read('job')).job).toMatchObject({ token: 3, calls });
    for (const [name, text] of [
      ['input/d', '"i"'],
      ['raw/c1', '"raw"'],
      ['late/c1', '"l"'],
    ] as const) {
      expect(await store.readBlob('job', name)).toBe(text);
    }
  });
});
