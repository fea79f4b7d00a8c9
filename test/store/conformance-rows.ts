import { UnreachableError } from '../../src/errors';
import type { Payload, StoredJob } from '../../src/store/store';
import { fullJob, storedJob } from '../support/stored-job';
import type { Current, StoreUnderTest } from './conformance';

const HOUR = 3_600_000;

/** What a row, a blob and the clock must hold to. */
export function describeRows(current: Current, open: () => Promise<StoreUnderTest>): void {
  const put = (job: StoredJob, blobs?: Record<string, string>) =>
    current().store.update(job.key, () => ({ returns: undefined, job, blobs }));
  const get = async (key: string) => (await current().store.read(key)).job;

  test('a decision over a job that is not there gets null', async () => {
    const seen = await current().store.update('job', (job) => ({ returns: [job] }));
    expect(seen).toEqual([null]);
    expect(await get('job')).toBeNull();
  });

  test('what a decision writes is what is read, field by field', async () => {
    await put(fullJob('acme/job'));
    expect(await get('acme/job')).toEqual(fullJob('acme/job'));
    await put(storedJob('acme/job'));
    expect(await get('acme/job')).toEqual(storedJob('acme/job'));
    expect(await get('job')).toBeNull();
  });

  test.each<[string, Payload | null]>([
    ['none', null],
    ['JSON null', { json: 'null' }],
    ['an empty string', { json: '""' }],
    ['the string "null"', { json: '"null"' }],
    ['false', { json: 'false' }],
    ['zero', { json: '0' }],
    ['an empty list', { json: '[]' }],
    ['no text at all', { json: '' }],
    ['half a surrogate pair', { json: '"\ud83e"' }],
    ['a NUL', { json: '"\0"' }],
  ])('a result comes back exactly: %s', async (_, result) => {
    await put(storedJob('job', { status: 'COMPLETED', result }));
    expect((await get('job'))?.result).toEqual(result);
  });

  test('updates of one job at once see one another', async () => {
    const tokens = await Promise.all(
      Array.from({ length: 50 }, () =>
        current().store.update('job', (job) => {
          const token = (job?.token ?? 0) + 1;
          return { returns: token, job: storedJob('job', { token }) };
        }),
      ),
    );
    expect(tokens.sort((a, b) => a - b)).toEqual(Array.from({ length: 50 }, (_, i) => i + 1));
    expect((await get('job'))?.token).toBe(50);
  });

  test('an exception in a decision reaches the caller and writes nothing', async () => {
    await put(storedJob('job', { token: 4 }));
    const thrown = new Error('no');
    const update = current().store.update('job', () => {
      throw thrown;
    });
    await expect(update).rejects.toBe(thrown);
    await put(storedJob('other'));
    expect((await get('job'))?.token).toBe(4);
  });

  test('a decision cannot write the row of another job', async () => {
    const update = current().store.update('job', () => ({
      returns: 0,
      job: storedJob('other'),
      blobs: { a: 'x' },
    }));
    await expect(update).rejects.toThrow('the row of another');
    expect(await get('other')).toBeNull();
    expect(await current().store.readBlob('other', 'a')).toBeNull();
    expect(await current().store.readBlob('job', 'a')).toBeNull();
  });

  test('nobody changes a row by holding on to an object', async () => {
    const mine = storedJob('job');
    await put(mine);
    mine.token = 99;
    const read = await get('job');
    read!.calls.push({ call_id: 'c', generation: 1, token: 1, claimed_at: 1, fate: 'open' });
    expect(await get('job')).toEqual(storedJob('job'));
  });

  test('blobs come with their row, exactly', async () => {
    const blobs = { big: '"ü🦊"'.repeat(300_000), empty: '', nul: 'a\0b', 'result/c1': 'null' };
    await put(storedJob('job'), blobs);
    for (const [name, text] of Object.entries(blobs)) {
      expect((await current().store.readBlob('job', name)) === text).toBe(true);
    }
    expect(await current().store.readBlob('job', 'missing')).toBeNull();
    expect(await current().store.readBlob('other', 'big')).toBeNull();
  });

  test('a text of 20 MB comes back exactly', async () => {
    const text = 'ü🦊xyz'.repeat(2_222_222);
    await put(storedJob('job'), { input: text });
    expect((await current().store.readBlob('job', 'input')) === text).toBe(true);
  });

  test('a blob is replaced by one of the same name, and kept by an update without any', async () => {
    await put(storedJob('job'), { a: '1', b: '2' });
    await put(storedJob('job'), { a: '3' });
    await put(storedJob('job'));
    expect(await current().store.readBlob('job', 'a')).toBe('3');
    expect(await current().store.readBlob('job', 'b')).toBe('2');
  });

  test('dropBlobs erases the blobs of that job but the ones it writes', async () => {
    await put(storedJob('job'), { a: '1', b: '2' });
    await put(storedJob('job2'), { a: 'kept' });
    await current().store.update('job', () => ({
      returns: 0,
      job: storedJob('job'),
      blobs: { b: '3' },
      dropBlobs: true,
    }));
    expect(await current().store.readBlob('job', 'a')).toBeNull();
    expect(await current().store.readBlob('job', 'b')).toBe('3');
    expect(await current().store.readBlob('job2', 'a')).toBe('kept');
  });

  test('remove erases rows as they were seen, with their blobs, and leaves every other', async () => {
    const { store } = current();
    const gone = [storedJob('gone', { token: 3 }), storedJob('acme/gone', { token: 5 })];
    for (const job of gone) await put(job, { a: 'erased' });
    await put(storedJob('token-moved', { token: 4 }), { a: 'kept' });
    await put(storedJob('changed', { token: 3, updated_at: 1001 }), { a: 'kept' });
    await put(storedJob('other', { token: 3 }), { a: 'kept' });
    const seen = ['token-moved', 'changed', 'missing'].map((key) => ({ key, token: 3, updated_at: 1000 }));
    expect(await store.remove([...gone, ...seen])).toBe(2);
    for (const { key } of gone) {
      expect(await get(key)).toBeNull();
      expect(await store.readBlob(key, 'a')).toBeNull();
    }
    for (const key of ['token-moved', 'changed', 'other']) {
      expect(await get(key)).not.toBeNull();
      expect(await store.readBlob(key, 'a')).toBe('kept');
    }
    expect((await store.list({})).jobs.map(({ key }) => key).sort()).toEqual([
      'changed',
      'other',
      'token-moved',
    ]);
    expect((await store.stats()).reduce((jobs, row) => jobs + row.jobs, 0)).toBe(3);
    await put(storedJob('gone', { token: 1 }));
    expect((await get('gone'))?.token).toBe(1);
    expect(await store.readBlob('gone', 'a')).toBeNull();
    expect(await store.remove([])).toBe(0);
  });

  test('of removals and writes of one row at once, a row is whole or gone', async () => {
    const { store } = current();
    for (let round = 0; round < 20; round += 1) {
      const job = storedJob('job', { token: 10 });
      await put(job, { a: 'old' });
      const [removed] = await Promise.all([
        store.remove([job]),
        store.update('job', (row, now) => ({
          returns: 0,
          job: row ? { ...row, token: 11, updated_at: now } : undefined,
          blobs: { b: 'new' },
        })),
      ]);
      const left = await get('job');
      expect(left?.token).toBe(removed === 1 ? undefined : 11);
      const blobs = [await store.readBlob('job', 'a'), await store.readBlob('job', 'b')];
      expect(blobs).toEqual(left ? ['old', 'new'] : [null, null]);
      if (left) await store.remove([left]);
    }
  });

  test('the clock is the store’s own, and a decision gets it', async () => {
    const before = (await current().store.read('job')).now;
    await current().advance(HOUR);
    const decided = await current().store.update('job', (_, now) => ({
      returns: now,
      job: storedJob('job'),
    }));
    expect(decided).toBeGreaterThanOrEqual(before + HOUR);
    expect((await current().store.read('job')).now).toBeGreaterThanOrEqual(decided);
  });

  test('two stores have two ids', async () => {
    const other = await open();
    expect(other.store.id).not.toBe(current().store.id);
    expect(other.store.id).toMatch(/^[A-Za-z0-9_-]{8,40}$/);
    await other.cleanup();
  });

  test('a reopened store has everything: rows, blobs, clock and id', async () => {
    const { store, reopen, advance } = current();
    if (!reopen) return;
    await put(fullJob('job'), { a: 'text' });
    await advance(HOUR);
    const decided = await store.update('job2', (_, now) => ({ returns: now, job: storedJob('job2') }));
    const again = await reopen();
    expect(await again.read('job')).toMatchObject({ job: fullJob('job') });
    expect(await again.readBlob('job', 'a')).toBe('text');
    expect((await again.read('job')).now).toBeGreaterThanOrEqual(decided);
    expect(again.id).toBe(store.id);
  });

  test('a closed store says so', async () => {
    const { store } = current();
    await store.close();
    await store.close();
    const never = () => {
      throw new Error('a closed store decided');
    };
    const calls = await Promise.allSettled([
      store.read('a'),
      store.update('a', never),
      store.readBlob('a', 'b'),
      store.list({}),
      store.remove([{ key: 'a', token: 1, updated_at: 1 }]),
      store.stats(),
    ]);
    for (const call of calls) expect(call).toMatchObject({ reason: expect.any(UnreachableError) });
  });
}
