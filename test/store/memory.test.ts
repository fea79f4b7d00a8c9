import { openMemoryStore } from '../../src/store/memory';
import { describeStore } from './conformance';

describeStore('memory', async () => {
  let ahead = 0;
  const started = Date.now();
  const store = openMemoryStore({ now: () => started + ahead });
  return {
    store,
    advance(ms) {
      ahead += ms;
    },
    cleanup: () => store.close(),
  };
});

test('the memory store’s clock does not follow the wall clock back', async () => {
  let wall = 5000;
  const store = openMemoryStore({ now: () => wall });
  expect((await store.read('job')).now).toBe(5000);
  wall = 4000;
  expect((await store.read('job')).now).toBe(5000);
  expect(await store.update('job', (_, now) => ({ returns: now }))).toBe(5000);
  wall = 6000;
  expect((await store.read('job')).now).toBe(6000);
});

test('the memory store can be given an id', () => {
  expect(openMemoryStore({ id: 'mine' }).id).toBe('mine');
});
