import { join } from 'node:path';
import { openSqliteStore } from '../../src/store/sqlite';
import { advanceClock, makeFolder, withDatabase } from '../support/sqlite-file';
import { storedJob } from '../support/stored-job';
import { describeStore } from './conformance';

describeStore('sqlite', async () => {
  const { folder, remove } = makeFolder();
  const file = join(folder, 'store.db');
  let store = await openSqliteStore(file);
  return {
    store,
    advance: (ms) => advanceClock(file, ms),
    async reopen() {
      await store.close();
      store = await openSqliteStore(file);
      return store;
    },
    async cleanup() {
      await store.close();
      remove();
    },
  };
});

test('the time of a write is kept in the file, so that no later one can be before it', async () => {
  const { folder, remove } = makeFolder();
  const file = join(folder, 'store.db');
  const store = await openSqliteStore(file);
  const decided = await store.update('job', (_, now) => ({ returns: now, job: storedJob('job') }));
  expect(withDatabase(file, (db) => db.prepare('SELECT ms FROM clock').all())).toEqual([{ ms: decided }]);
  await store.close();
  remove();
});
