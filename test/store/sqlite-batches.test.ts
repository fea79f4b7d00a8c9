import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { StoreCorruptError } from '../../src/errors';
import { openSqliteStore } from '../../src/store/sqlite';
import type { ResultStore } from '../../src/store/store';
import { makeFolder, withDatabase } from '../support/sqlite-file';
import { storedJob } from '../support/stored-job';

let folder: ReturnType<typeof makeFolder>;
let file: string;
let store: ResultStore;
beforeEach(async () => {
  folder = makeFolder();
  file = join(folder.folder, 'store.db');
  store = await openSqliteStore(file);
});
afterEach(async () => {
  await store.close();
  folder.remove();
});

const put = (key: string) => store.update(key, () => ({ returns: key, job: storedJob(key) }));

/**
 * How many commits are in the write-ahead log: frames that say how large the file is after them
 * (https://sqlite.org/fileformat2.html#the_write_ahead_log).
 */
function commits(): number {
  const log = readFileSync(`${file}-wal`);
  if (log.length === 0) return 0;
  const frame = 24 + log.readUInt32BE(8);
  let found = 0;
  for (let at = 32; at < log.length; at += frame) if (log.readUInt32BE(at + 4) > 0) found += 1;
  return found;
}

test('jobs that are written at once share a commit, and each knows what became of its own', async () => {
  const before = commits();
  const keys = Array.from({ length: 320 }, (_, index) => `job-${index >> 1}`);
  const fates = await Promise.all(
    keys.map((key) =>
      store.update(key, (job) => (job ? { returns: 'met' } : { returns: 'made', job: storedJob(key) })),
    ),
  );
  expect(fates.filter((fate) => fate === 'made')).toHaveLength(160);
  expect(commits() - before).toBeLessThanOrEqual(16);
});

test('a row that can not be trusted, and a decision that fails, are the trouble of their own job', async () => {
  await Promise.all(['good', 'bad'].map(put));
  withDatabase(file, (db) => db.exec(`UPDATE jobs SET doc = '{}' WHERE key = 'bad'`));
  const touch = (key: string) =>
    store.update(key, (job) => {
      if (key === 'fails') throw new RangeError('of its own');
      return { returns: key, job: { ...(job ?? storedJob(key)), attempts: 1 } };
    });
  const [good, bad, fails, other] = await Promise.allSettled(['good', 'bad', 'fails', 'other'].map(touch));
  expect([good, other]).toMatchObject([{ value: 'good' }, { value: 'other' }]);
  expect(bad).toMatchObject({ reason: expect.any(StoreCorruptError) });
  expect(fails).toMatchObject({ reason: expect.any(RangeError) });
  expect((await store.read('other')).job).toMatchObject({ attempts: 1 });
});

test('a decision sees what one before it in the same commit has written', async () => {
  const count = () =>
    store.update('job', (job) => {
      const attempts = (job?.attempts ?? 0) + 1;
      return { returns: attempts, job: storedJob('job', { attempts }) };
    });
  expect(await Promise.all(Array.from({ length: 20 }, count))).toEqual(
    Array.from({ length: 20 }, (_, n) => n + 1),
  );
});
