import { chmodSync, copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { ConfigError, StoreCorruptError, UnreachableError } from '../../src/errors';
import { openSqliteStore } from '../../src/store/sqlite';
import { toStoreFault } from '../../src/store/sqlite-faults';
import type { ResultStore } from '../../src/store/store';
import { asNobody, makeFolder, withDatabase } from '../support/sqlite-file';
import { storedJob } from '../support/stored-job';

const ONE_SENTENCE = /^[^\n]*\.$/;
const SECRET = 'the prompt of a customer';

let folder: string;
let remove: () => void;
let file: string;

beforeEach(() => {
  ({ folder, remove } = makeFolder());
  file = join(folder, 'store.db');
});
afterEach(() => remove());

/** Opens the file, lets the test act, closes. */
async function withStore<T>(act: (store: ResultStore) => Promise<T>, options = {}): Promise<T> {
  const store = await openSqliteStore(file, options);
  try {
    return await act(store);
  } finally {
    await store.close();
  }
}

const put = (store: ResultStore, key: string, blobs?: Record<string, string>) =>
  store.update(key, () => ({ returns: key, job: storedJob(key, { input: { json: `"${SECRET}"` } }), blobs }));

async function refusal(path: string): Promise<Error> {
  const error = await openSqliteStore(path).then(
    () => null,
    (e: unknown) => e,
  );
  expect(error).toBeInstanceOf(ConfigError);
  expect((error as Error).message).toMatch(ONE_SENTENCE);
  return error as Error;
}

describe('a path that can’t be a SQLite store is refused in one sentence', () => {
  test(':memory:', async () => {
    expect((await refusal(':memory:')).message).toContain('use memory:');
  });

  test('no path, and a folder', async () => {
    expect((await refusal('')).message).toContain('names no file');
    expect((await refusal(folder)).message).toContain('names no file');
  });

  test('a path through a file', async () => {
    writeFileSync(file, '');
    expect((await refusal(join(file, 'store.db'))).message).toContain('is a file and not a folder');
  });

  test('a file that is not a database', async () => {
    writeFileSync(file, SECRET.repeat(100));
    const { message } = await refusal(file);
    expect(message).toContain('not a SQLite database');
    expect(message).toContain(file);
    expect(message).not.toContain(SECRET);
    expect(readFileSync(file, 'utf8')).toBe(SECRET.repeat(100));
  });

  test('the database of another program, which stays untouched', async () => {
    withDatabase(file, (db) => db.exec('CREATE TABLE cats (name TEXT); PRAGMA user_version = 9'));
    const before = readFileSync(file);
    expect((await refusal(file)).message).toContain('another program');
    expect(readFileSync(file).equals(before)).toBe(true);
  });

  test('a newer schema', async () => {
    await withStore((store) => put(store, 'job'));
    withDatabase(file, (db) => db.exec('PRAGMA user_version = 99'));
    expect((await refusal(file)).message).toContain('update infer-once');
    withDatabase(file, (db) => db.exec('PRAGMA user_version = 1'));
    await withStore(async (store) => expect((await store.read('job')).job).not.toBeNull());
  });

  test('a folder that this user may not write in', async () => {
    chmodSync(folder, 0o555);
    const error = await asNobody(() => refusal(file));
    expect(error.message).toContain('may not write there');
  });

  test('a folder that can’t be made', async () => {
    chmodSync(folder, 0o555);
    const error = await asNobody(() => refusal(join(folder, 'deep', 'store.db')));
    expect(error.message).toContain('may not write there');
  });

  test('a file that this user may only read', async () => {
    await withStore((store) => put(store, 'job'));
    chmodSync(file, 0o444);
    chmodSync(folder, 0o777);
    const error = await asNobody(() => refusal(file));
    expect(error.message).toContain('may not write there');
  });
});

test('a missing folder is made', async () => {
  file = join(folder, 'a', 'b', 'store.db');
  await withStore((store) => put(store, 'job'));
  expect(existsSync(file)).toBe(true);
});

test('a path that looks like a URI is a file name', async () => {
  const here = process.cwd();
  mkdirSync(join(folder, 'sub'));
  process.chdir(join(folder, 'sub'));
  try {
    const store = await openSqliteStore('file:x?mode=memory');
    await put(store, 'job');
    await store.close();
    expect(existsSync(join(folder, 'sub', 'file:x?mode=memory'))).toBe(true);
  } finally {
    process.chdir(here);
  }
});

describe('a row that can’t be trusted', () => {
  const doc = (change: object) => JSON.stringify({ ...storedJob('bad'), ...change });
  test.each([
    ['is cut off', `UPDATE jobs SET doc = '{"input": "${SECRET}'`],
    ['is no object', `UPDATE jobs SET doc = 'null'`],
    ['has no status', `UPDATE jobs SET doc = '${doc({ status: undefined })}'`],
    ['has an unknown status', `UPDATE jobs SET status = 'DONE', doc = '${doc({ status: 'DONE' })}'`],
    ['has no token', `UPDATE jobs SET doc = '${doc({ token: undefined })}'`],
    ['has no calls', `UPDATE jobs SET doc = '${doc({ calls: undefined })}'`],
    ['has another status than its column', `UPDATE jobs SET status = 'COMPLETED'`],
    ['is another job’s', `UPDATE jobs SET doc = '${doc({ key: 'good' })}'`],
    ['is binary', `UPDATE jobs SET doc = x'00ff'`],
  ])('is an error and never "no such job": it %s', async (_, sql) => {
    await withStore(async (store) => {
      await put(store, 'bad');
      await put(store, 'good');
    });
    withDatabase(file, (db) => db.exec(`${sql} WHERE key = 'bad'`));
    await withStore(async (store) => {
      const never = jest.fn();
      const faults = [
        await store.read('bad').catch((e) => e),
        await store.update('bad', never).catch((e) => e),
      ];
      for (const fault of faults) {
        expect(fault).toBeInstanceOf(StoreCorruptError);
        expect(fault.message).toMatch(ONE_SENTENCE);
        expect(`${fault.stack} ${fault.cause}`).not.toContain(SECRET);
      }
      expect(never).not.toHaveBeenCalled();
      expect((await store.read('good')).job?.key).toBe('good');

      const { jobs, corrupt } = await store.list({});
      expect(jobs.map((job) => job.key)).toEqual(['good']);
      expect(corrupt).toEqual([{ key: 'bad', message: faults[0].message }]);
      expect((await store.stats()).reduce((sum, row) => sum + row.jobs, 0)).toBe(2);
    });
  });
});

test('a damaged file is an error and never "no such job"', async () => {
  const keys = Array.from({ length: 200 }, (_, i) => `job-${i}`);
  await withStore(async (store) => {
    for (const key of keys) await put(store, key);
  });
  const bytes = readFileSync(file);
  // the schema and the tables' first pages stay
  writeFileSync(file, bytes.fill(0xff, 4096 * 16));
  await withStore(async (store) => {
    const never = jest.fn();
    await expect(store.read('job-100')).rejects.toThrow(StoreCorruptError);
    await expect(store.update('job-100', never)).rejects.toThrow(StoreCorruptError);
    await expect(store.list({ limit: 1000 })).rejects.toMatchObject({ code: 'store_corrupt' });
    expect(never).not.toHaveBeenCalled();
  });
});

test('a full disk writes nothing, says so, and is forgotten when there is room again', async () => {
  await withStore(
    async (store) => {
      await put(store, 'first', { big: 'x'.repeat(500_000) });
      const full = await put(store, 'second', { big: 'x'.repeat(500_000) }).catch((e) => e);
      expect(full).toBeInstanceOf(UnreachableError);
      expect(full.message).toMatch(ONE_SENTENCE);
      expect(full.message).toContain('disk is full');
      expect((await store.read('second')).job).toBeNull();
      expect(await store.readBlob('second', 'big')).toBeNull();

      await store.update('first', () => ({ returns: 0, job: storedJob('first'), dropBlobs: true }));
      await put(store, 'second', { big: 'x'.repeat(500_000) });
      expect(await store.readBlob('second', 'big')).toHaveLength(500_000);
    },
    { maxPages: 200 },
  );
});

test.each([
  ['EPERM', "can't be written any more"],
  ['EACCES', "can't be written any more"],
  ['EROFS', "can't be written any more"],
  ['EDQUOT', 'the disk is full'],
  ['EIO', "can't be read or written"],
] as const)('what a disk refuses in use is said by its own reason: %s', (name, said) => {
  // SQLite has one code, SQLITE_IOERR_WRITE, for all of them
  const refused = { code: 'ERR_SQLITE_ERROR', errcode: 778, systemErrno: constants.errno[name] };
  const fault = toStoreFault(Object.assign(new Error('disk I/O error'), refused), file) as Error;
  expect(fault).toBeInstanceOf(UnreachableError);
  expect(fault.message).toMatch(ONE_SENTENCE);
  expect(fault.message).toContain(said);
});

test('a decision that throws with the lock held gives it back and writes nothing', async () => {
  await withStore(async (store) => {
    const thrown = new Error('no');
    const decide = jest
      .fn()
      .mockReturnValueOnce({ returns: 0, job: storedJob('job') })
      .mockImplementation(() => {
        throw thrown;
      });
    await expect(store.update('job', decide)).rejects.toBe(thrown);
    expect(decide).toHaveBeenCalledTimes(2);
    await put(store, 'other');
    expect((await store.read('job')).job).toBeNull();
  });
});

test('a lock that stays is an error that names the file, and a write works when it is gone', async () => {
  await withStore(
    async (store) => {
      await put(store, 'job');
      await withDatabase(file, async (db) => {
        db.exec('BEGIN IMMEDIATE');
        const faults = await Promise.all(['a', 'b', 'c'].map((key) => put(store, key).catch((e) => e)));
        for (const fault of faults) {
          expect(fault).toBeInstanceOf(UnreachableError);
          expect(fault.message).toMatch(ONE_SENTENCE);
          expect(fault.message).toContain(`${file} is locked`);
        }
        expect((await store.read('job')).job?.key).toBe('job');
        db.exec('ROLLBACK');
        expect(await put(store, 'a')).toBe('a');
      });
    },
    { lockLimitMs: 150 },
  );
});

test('a locked file can be opened and read', async () => {
  await withStore((store) => put(store, 'job'));
  await withDatabase(file, async (db) => {
    db.exec('BEGIN IMMEDIATE');
    await withStore(async (store) => expect((await store.read('job')).job?.key).toBe('job'));
  });
});

test('what was erased is not on the disk any more', async () => {
  const onDisk = () => ['', '-wal'].map((end) => readFileSync(file + end, 'latin1')).join();
  await withStore(async (store) => {
    await put(store, 'job', { input: SECRET.repeat(20_000) });
    expect(onDisk()).toContain(SECRET);
    await store.update('job', () => ({
      returns: 0,
      job: storedJob('job', { input: null }),
      dropBlobs: true,
    }));
    expect(onDisk()).not.toContain(SECRET);
  });
});

test('a closed store is whole in its one file', async () => {
  await withStore((store) => put(store, 'job', { input: 'text' }));
  const copy = join(folder, 'copy.db');
  copyFileSync(file, copy);
  file = copy;
  await withStore(async (store) => expect(await store.readBlob('job', 'input')).toBe('text'));
});
