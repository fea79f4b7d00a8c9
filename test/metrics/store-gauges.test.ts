import { UnreachableError } from '../../src/errors';
import { addStoreGauges } from '../../src/metrics';
import { submit } from '../../src/once/rules/submit';
import { openMemoryStore } from '../../src/store/memory';
import type { StatsRow } from '../../src/store/store';
import { type ServedMetrics, startServedMetrics } from './support';

describe('the numbers of jobs cost a scrape little, and are never made up', () => {
  let served: ServedMetrics;
  beforeEach(async () => {
    served = await startServedMetrics();
  });
  afterEach(() => served.server.close());

  /** A store whose sums a test counts, and holds back. */
  const countingStore = () => {
    const store = openMemoryStore();
    const waiting: (() => void)[] = [];
    const state = { asked: 0, isHeld: false, isAway: false, waiting };
    const stats = async (): Promise<StatsRow[]> => {
      state.asked += 1;
      if (state.isHeld) await new Promise<void>((go) => state.waiting.push(go));
      if (state.isAway) throw new UnreachableError('store', 'The store is away.');
      return store.stats();
    };
    return { state, store: Object.assign(Object.create(store), { stats }) as typeof store };
  };

  const addJob = (store: ReturnType<typeof openMemoryStore>, key: string, task = 'enrich') =>
    store.update(key, submit({ key, task, task_version: null, input_digest: 'd', input_json: '1' }));

  test('many scrapes at once, and soon after, ask the store once', async () => {
    const { store, state } = countingStore();
    // as soon as a busy machine comes to it
    addStoreGauges(served.metrics, store, { freshMs: 600_000 });
    await addJob(store, 'a');
    const scrapes = await Promise.all(Array.from({ length: 10 }, () => served.scrape()));
    scrapes.push(await served.scrape());
    for (const scrape of scrapes)
      expect(scrape.sum('infer_once_jobs', { task: 'enrich', status: 'PENDING' })).toBe(1);
    expect(state.asked).toBe(1);
  });

  test('while the store is adding up, a scrape shows the last numbers and how old they are', async () => {
    const { store, state } = countingStore();
    addStoreGauges(served.metrics, store, { freshMs: 0 });
    await addJob(store, 'a');
    await served.scrape();
    state.isHeld = true;
    await addJob(store, 'b');
    // however long that takes, no scrape waits for it
    let scrape = await served.scrape();
    while (state.asked < 2) scrape = await served.scrape();
    scrape = await served.scrape();
    expect(scrape.sum('infer_once_jobs')).toBe(1);
    expect(scrape.sum('infer_once_store_stats_age_seconds')).toBeGreaterThan(0);
    for (const go of state.waiting) go();
  });

  test('the first sums are not waited for without end', async () => {
    const { store, state } = countingStore();
    state.isHeld = true;
    addStoreGauges(served.metrics, store, { waitMs: 1 });
    const scrape = await served.scrape();
    expect([scrape.sum('infer_once_store_up'), scrape.has('infer_once_jobs_in_doubt')]).toEqual([0, false]);
    for (const go of state.waiting) go();
  });

  test('while the store is away there are no numbers, and the other metrics stay', async () => {
    const { store, state } = countingStore();
    addStoreGauges(served.metrics, store, { freshMs: 0 });
    await addJob(store, 'a');
    expect((await served.scrape()).sum('infer_once_store_up')).toBe(1);
    served.metrics.events.inc({ event: 'sent' });
    state.isAway = true;
    let scrape = await served.scrape();
    while (scrape.sum('infer_once_store_up') === 1) scrape = await served.scrape();
    for (const name of [
      'infer_once_jobs',
      'infer_once_jobs_in_doubt',
      'infer_once_store_stats_age_seconds',
    ]) {
      expect([name, scrape.has(name)]).toEqual([name, false]);
    }
    expect(scrape.sum('infer_once_events_total')).toBe(1);
  });

  test('a flood of names of tasks does not become a flood of series', async () => {
    const { store } = countingStore();
    addStoreGauges(served.metrics, store);
    for (let i = 0; i < 150; i += 1) await addJob(store, `job-${i}`, `task-${i}`);
    const scrape = await served.scrape();
    expect(scrape.families.find(({ name }) => name === 'infer_once_jobs')!.samples).toHaveLength(101);
    expect(scrape.sum('infer_once_jobs', { task: 'other' })).toBe(50);
    expect(scrape.sum('infer_once_jobs')).toBe(150);
  });
});
