import {
  chmodSync,
  existsSync,
  lstatSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import type { JobStatus } from '../../src/job';
import { openMemoryStore } from '../../src/store/memory';
import { sealedStore } from '../../src/store/sealed';
import { openSqliteStore } from '../../src/store/sqlite';
import type { ResultStore } from '../../src/store/store';
import { startChild } from '../support/child';
import { advanceClock, asNobody, makeFolder } from '../support/sqlite-file';
import { storedJob } from '../support/stored-job';
import { until } from '../support/until';
import { STORE_CHILD } from './processes';

const put = (store: ResultStore, key: string, status: JobStatus) =>
  store.update(key, (_, now) => ({ returns: 0, job: storedJob(key, { status, updated_at: now }) }));

/** Counts what is told of a job. */
function listen(store: ResultStore, key: string) {
  const heard = { count: 0, stop: () => undefined as unknown };
  heard.stop = store.onSettled!(key, () => {
    heard.count += 1;
  })!;
  return heard;
}

/** How many files this process watches, as Linux tells it; NaN elsewhere. */
function watchesOf(): number {
  if (!existsSync('/proc/self/fdinfo')) return Number.NaN;
  const texts = readdirSync('/proc/self/fdinfo').map((fd) => {
    try {
      return readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8');
    } catch {
      // it was the one of this very listing
      return '';
    }
  });
  return texts.join('').split('inotify wd:').length - 1;
}

const both: [string, () => Promise<[ResultStore, ResultStore, () => void]>][] = [
  [
    'memory',
    async () => {
      const store = openMemoryStore();
      return [store, store, () => undefined];
    },
  ],
  [
    'sealed memory',
    async () => {
      const store = sealedStore(openMemoryStore(), null);
      return [store, store, () => undefined];
    },
  ],
  [
    'two connections to one SQLite file',
    async () => {
      const { folder, remove } = makeFolder();
      const file = join(folder, 'store.db');
      return [await openSqliteStore(file), await openSqliteStore(file), remove];
    },
  ],
];

describe.each(both)('%s: who listens', (_, open) => {
  let store: ResultStore;
  let writer: ResultStore;
  let remove: () => void;
  beforeEach(async () => {
    [store, writer, remove] = await open();
  });
  afterEach(async () => {
    await store.close();
    await writer.close();
    remove();
  });

  test.each<JobStatus>(['COMPLETED', 'FAILED', 'CANCELED', 'FORGOTTEN'])(
    'hears that his job is %s, and of no other',
    async (status) => {
      const mine = listen(store, 'mine');
      const other = listen(store, 'other');
      await put(writer, 'mine', 'IN_PROGRESS');
      await put(writer, 'mine', status);
      await until('it was told', () => mine.count > 0);
      expect(other.count).toBe(0);
    },
  );

  test('hears nothing of a job that goes on, nor once he has left', async () => {
    const left = listen(store, 'left');
    const goesOn = listen(store, 'goes-on');
    const last = listen(store, 'last');
    left.stop();
    await put(writer, 'goes-on', 'IN_DOUBT');
    await put(writer, 'left', 'COMPLETED');
    await put(writer, 'last', 'COMPLETED');
    await until('the last was told', () => last.count > 0);
    expect([left.count, goesOn.count]).toEqual([0, 0]);
  });

  test('hears of each of many that end at once', async () => {
    const keys = Array.from({ length: 200 }, (_, n) => `job-${n}`);
    const heard = keys.map((key) => listen(store, key));
    await Promise.all(keys.map((key) => put(writer, key, 'COMPLETED')));
    await until('all were told', () => heard.every(({ count }) => count > 0));
  });
});

describe('a SQLite file', () => {
  const { folder, remove } = makeFolder();
  afterAll(remove);

  test('another process that settles a job is heard', async () => {
    const file = join(folder, 'processes.db');
    const store = await openSqliteStore(file);
    const heard = listen(store, 'job');
    const child = startChild(STORE_CHILD, 'settle', `sqlite:${file}`);
    child.tell('job');
    await until('it was told', () => heard.count > 0);
    expect((await store.read('job')).job?.status).toBe('COMPLETED');
    child.hush();
    expect(await child.ended).toBe(0);
    await store.close();
  });

  test('whose bell can’t be made says that it can’t tell, and writes all the same', async () => {
    const file = join(folder, 'dumb.db');
    const store = await openSqliteStore(file);
    symlinkSync('/nowhere/at/all', `${file}-bell`);
    expect(store.onSettled!('job', () => undefined)).toBeNull();
    await put(store, 'job', 'COMPLETED');
    expect((await store.read('job')).job?.status).toBe('COMPLETED');
    unlinkSync(`${file}-bell`);
    const heard = listen(store, 'job');
    await put(store, 'job', 'FAILED');
    await until('it is told once it can be', () => heard.count > 0);
    await store.close();
  });

  test('may be rung by whoever may write the store, if not by its owner', async () => {
    const file = join(folder, 'shared.db');
    const store = await openSqliteStore(file);
    const writer = await openSqliteStore(file);
    for (const name of [folder, file, `${file}-wal`, `${file}-shm`]) chmodSync(name, 0o777);
    const heard = listen(store, 'job');
    await asNobody(async () => {
      await put(writer, 'job', 'COMPLETED');
      await until('it was told', () => heard.count > 0);
    });
    await store.close();
    await writer.close();
  });

  test('whose bell is deleted gets another for the next who listens', async () => {
    const file = join(folder, 'deleted.db');
    const store = await openSqliteStore(file);
    const writer = await openSqliteStore(file);
    const deaf = listen(store, 'job');
    unlinkSync(`${file}-bell`);
    await until('it is another', () => {
      listen(store, 'job');
      return existsSync(`${file}-bell`);
    });
    await put(writer, 'job', 'COMPLETED');
    await until('it was told', () => deaf.count > 0);
    await store.close();
    await writer.close();
  });

  test('does not ring a link that lies in its bell’s place', async () => {
    const file = join(folder, 'linked.db');
    const victim = join(folder, 'victim');
    writeFileSync(victim, 'mine', { mode: 0o600 });
    const { mtimeMs } = statSync(victim);
    const store = await openSqliteStore(file);
    symlinkSync(victim, `${file}-bell`);
    const heard = listen(store, 'job');
    await put(store, 'job', 'COMPLETED');
    expect(heard.count).toBe(1);
    await until('it was rung', () => lstatSync(`${file}-bell`).mtimeMs > mtimeMs);
    expect(statSync(victim)).toMatchObject({ mtimeMs, mode: 0o100600, size: 4 });
    await store.close();
  });

  test('whose clock is an hour ahead tells of what ends now, not of all that ended in that hour', async () => {
    const file = join(folder, 'ahead.db');
    const store = await openSqliteStore(file);
    advanceClock(file, 3_600_000);
    const writer = await openSqliteStore(file);
    const witness = listen(store, 'one');
    await put(writer, 'before', 'COMPLETED');
    advanceClock(file, 1_000);
    await put(writer, 'one', 'COMPLETED');
    await until('it was told', () => witness.count > 0);
    witness.stop();
    const old = listen(store, 'before');
    const last = listen(store, 'last');
    await put(writer, 'last', 'COMPLETED');
    await until('the last was told', () => last.count > 0);
    expect(old.count).toBe(0);
    await store.close();
    await writer.close();
  });

  test('that is closed is silent', async () => {
    const file = join(folder, 'closed.db');
    const store = await openSqliteStore(file);
    const writer = await openSqliteStore(file);
    const heard = listen(store, 'job');
    const witness = listen(writer, 'job');
    const before = watchesOf();
    await store.close();
    expect(store.onSettled!('job', () => undefined)).toBeNull();
    await put(writer, 'job', 'COMPLETED');
    await until('others are told', () => witness.count > 0);
    expect(heard.count).toBe(0);
    await writer.close();
    // two of one file are one to the system
    expect(watchesOf()).toBe(before - 1);
  });
});
