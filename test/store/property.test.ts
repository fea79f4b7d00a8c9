import { join } from 'node:path';
import fc from 'fast-check';
import { openMemoryStore } from '../../src/store/memory';
import { openSqliteStore } from '../../src/store/sqlite';
import type { ResultStore } from '../../src/store/store';
import { makeFolder } from '../support/sqlite-file';
import { describeProperties, doesWhatAMapDoes } from './property';

describeProperties('memory', async () => {
  const store = openMemoryStore();
  return { store, cleanup: () => store.close() };
});

describeProperties('sqlite', async () => {
  const { folder, remove } = makeFolder();
  const store = await openSqliteStore(join(folder, 'store.db'));
  return {
    store,
    async cleanup() {
      await store.close();
      remove();
    },
  };
});

/** Reads, lets others in, then writes: what no store may do. */
function withoutAtomicity(store: ResultStore): ResultStore {
  return {
    ...store,
    id: store.id,
    read: (key) => store.read(key),
    readBlob: (key, name) => store.readBlob(key, name),
    async update(key, decide) {
      const { job, now } = await store.read(key);
      const change = decide(job, now);
      if (change.job) await store.update(key, () => change);
      return change.returns;
    },
  };
}

test('a store that is not atomic is found out', async () => {
  const found = await fc.check(doesWhatAMapDoes(withoutAtomicity(openMemoryStore())), { numRuns: 100 });
  expect(found.failed).toBe(true);
});

test('a store that keeps the blobs of a forgotten job is found out', async () => {
  const store = openMemoryStore();
  const forgetful: ResultStore = {
    ...withoutAtomicity(store),
    update: (key, decide) => store.update(key, (row, now) => ({ ...decide(row, now), dropBlobs: false })),
  };
  const found = await fc.check(doesWhatAMapDoes(forgetful), { numRuns: 300 });
  expect(found.failed).toBe(true);
});
