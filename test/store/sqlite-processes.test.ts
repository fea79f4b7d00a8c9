import { once } from 'node:events';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { openSqliteStore } from '../../src/store/sqlite';
import { startChild } from '../support/child';
import { makeFolder } from '../support/sqlite-file';
import { storedJob } from '../support/stored-job';
import { describeProcesses, STORE_CHILD } from './processes';

describeProcesses('one SQLite file', async () => {
  const { folder, remove } = makeFolder();
  return { url: `sqlite:${join(folder, 'new', 'store.db')}`, cleanup: remove };
});

test('one that holds the write lock delays a write; reads and the event loop go on', async () => {
  const { folder, remove } = makeFolder();
  const file = join(folder, 'store.db');
  const store = await openSqliteStore(file);
  const put = (key: string) => store.update(key, () => ({ returns: key, job: storedJob(key) }));
  await put('job');
  const holder = startChild(STORE_CHILD, 'hold', `sqlite:${file}`);
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
  remove();
});
