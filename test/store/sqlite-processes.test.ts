import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { openSqliteStore } from '../../src/store/sqlite';
import { type Child, startChild } from '../support/child';
import { makeFolder } from '../support/sqlite-file';
import { storedJob } from '../support/stored-job';

const SCRIPT = join(__dirname, '../support/store-child.js');

describe('several processes on one SQLite file', () => {
  let folder: string;
  let remove: () => void;
  let file: string;
  let children: Child[] = [];

  const start = (mode: string) => {
    const child = startChild(SCRIPT, mode, file);
    children.push(child);
    return child;
  };

  beforeEach(() => {
    ({ folder, remove } = makeFolder());
    file = join(folder, 'new', 'store.db');
  });
  afterEach(async () => {
    for (const child of children) child.process.kill('SIGKILL');
    await Promise.all(children.map((child) => child.ended));
    children = [];
    remove();
  });

  test('ten that open a new file at once all get the same store', async () => {
    const openers = Array.from({ length: 10 }, () => start('open'));
    expect(await Promise.all(openers.map((child) => child.ended))).toEqual(Array(10).fill(0));
    const store = await openSqliteStore(file);
    expect(openers.flatMap((child) => child.lines)).toEqual(Array(10).fill(store.id));
    await store.close();
  });

  test('four that claim 500 jobs at once give each job one winner', async () => {
    const racers = Array.from({ length: 4 }, () => start('race'));
    await Promise.all(racers.map((child) => child.said(1)));
    // in rounds: else the first to get the lock wins all and nobody races it
    for (let round = 0; round < 50; round++) {
      const over = racers.map((child) => child.saidAgain('done'));
      for (const child of racers) child.tell(`round-${round}`);
      await Promise.all(over);
    }
    for (const child of racers) child.hush();
    expect(await Promise.all(racers.map((child) => child.ended))).toEqual([0, 0, 0, 0]);

    const wins = racers.flatMap((child) =>
      child.lines.filter((line) => line.startsWith('round-')).map((key) => ({ key, pid: child.process.pid })),
    );
    expect(new Set(wins.map(({ key }) => key)).size).toBe(500);
    expect(wins).toHaveLength(500);
    const store = await openSqliteStore(file);
    for (const { key, pid } of wins) {
      expect((await store.read(key)).job?.input).toEqual({ json: String(pid) });
    }
    await store.close();
  });

  test('one that is killed in the middle of its writes loses nothing that was acknowledged', async () => {
    for (let round = 0; round < 3; round++) {
      const writer = start('write');
      await writer.said(randomInt(20, 200));
      writer.process.kill('SIGKILL');
      await writer.ended;

      const store = await openSqliteStore(file);
      for (const key of writer.lines) {
        expect((await store.read(key)).job?.key).toBe(key);
      }
      // the write that it died in is there with its blob, or not at all
      const last = `job-${writer.lines.length}`;
      for (const key of [...writer.lines, last]) {
        const { job } = await store.read(key);
        const blob = await store.readBlob(key, 'input');
        expect(blob).toBe(job ? `text ${key.slice(4)}`.repeat(2000) : null);
      }
      await store.close();
    }
  });

  test('one that holds the write lock delays a write; reads and the event loop go on', async () => {
    const store = await openSqliteStore(file);
    const put = (key: string) => store.update(key, () => ({ returns: key, job: storedJob(key) }));
    await put('job');
    const holder = start('hold');
    await holder.said(1);

    let written = 0;
    const writes = ['job', 'job2', 'job3'].map((key) => put(key).then(() => written++));
    let ticks = 0;
    const timer = setInterval(() => ticks++, 1);
    while (ticks < 10) await nextTurn();
    clearInterval(timer);
    expect((await store.read('job')).job).toEqual(storedJob('job'));
    expect(await store.update('job', (job) => ({ returns: job?.key }))).toBe('job');
    expect(written).toBe(0);

    holder.tell('let go');
    await Promise.all(writes);
    expect((await store.read('job3')).job).toEqual(storedJob('job3'));
    await store.close();
    if (holder.process.exitCode === null) await once(holder.process, 'exit');
  });
});
