import { openMemoryStore } from '../../src/store/memory';
import type { Decide, ResultStore } from '../../src/store/store';
import { startWorld, type World } from '../support/world';

/** A store that counts its look-ups and its durable writes. */
function countingStore(): ResultStore & { counts: { looks: number; writes: number } } {
  const store = openMemoryStore();
  const counts = { looks: 0, writes: 0 };
  return Object.assign(Object.create(store) as ResultStore, {
    counts,
    read(key: string) {
      counts.looks += 1;
      return store.read(key);
    },
    update<T>(key: string, decide: Decide<T>) {
      let writes = 0;
      return store
        .update<T>(key, (job, now) => {
          const change = decide(job, now);
          writes = change.job ? 1 : 0;
          return change;
        })
        .finally(() => {
          counts.writes += writes;
        });
    },
  });
}

describe('what a job costs beside its call does not grow unseen', () => {
  let world: World;
  const store = countingStore();
  beforeAll(async () => {
    world = await startWorld({ store });
    await world.addWorker();
  });
  afterAll(() => world.stop());

  test('a fresh job makes three durable writes, eleven events of history and one request', async () => {
    await world.jobs.run({ job_id: 'fresh', task: 'enrich', input: { title: 'heat' } });
    expect(store.counts.writes).toBe(3);
    // `run` answers as soon as the store has the record, which is before the run closes.
    const handle = world.client.workflow.getHandle('fresh');
    await handle.result();
    const { events } = await handle.fetchHistory();
    expect(events).toHaveLength(11);
    expect(world.model.billed('fresh')).toBe(1);
  });

  test('a completed duplicate makes no write and starts nothing', async () => {
    const job = { job_id: 'twice', task: 'enrich', input: { title: 'heat' } };
    await world.jobs.run(job);
    const { runId } = await world.client.workflow.getHandle('twice').describe();
    const before = { ...store.counts };
    await expect(world.jobs.run(job)).resolves.toMatchObject({ replayed: true });
    expect(store.counts.writes).toBe(before.writes);
    await expect(world.client.workflow.getHandle('twice').describe()).resolves.toMatchObject({ runId });
  });

  test('1,000 joins of one running job start one run and pay for one call', async () => {
    await world.model.rules({ match: { job_id: 'joined' }, do: { hold: true } });
    const job = { job_id: 'joined', task: 'enrich', input: { title: 'heat' } };
    await world.jobs.submit(job);
    await world.model.waitForHeld('joined');
    const joins = Array.from({ length: 1000 }, () => world.jobs.run(job));
    await world.model.release('joined');
    const results = new Set((await Promise.all(joins)).map((record) => JSON.stringify(record.result)));
    expect(results.size).toBe(1);
    expect(world.model.billed('joined')).toBe(1);
  });
});
