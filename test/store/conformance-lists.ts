import type { ListFilter, StoredJob } from '../../src/store/store';
import { storedJob } from '../support/stored-job';
import type { Current } from './conformance';

const DAY = 86_400_000;

/** What `list` and `stats` must hold to. */
export function describeLists(current: Current): void {
  const put = (key: string, change: Partial<StoredJob>) =>
    current().store.update(key, () => ({ returns: 0, job: storedJob(key, change) }));
  const keys = async (filter: ListFilter) => (await current().store.list(filter)).jobs.map((job) => job.key);

  async function allPages(filter: ListFilter): Promise<string[][]> {
    const pages: string[][] = [];
    let cursor: string | undefined;
    do {
      const page = await current().store.list({ ...filter, cursor });
      pages.push(page.jobs.map((job) => job.key));
      cursor = page.cursor;
    } while (cursor);
    return pages;
  }

  test('a list gives whole rows, the newest change first', async () => {
    await put('old', { updated_at: 1 });
    await put('new', { updated_at: 3 });
    await put('mid', { updated_at: 2 });
    expect(await keys({})).toEqual(['new', 'mid', 'old']);
    await put('old', { updated_at: 4, token: 2 });
    const { jobs } = await current().store.list({ limit: 1 });
    expect(jobs).toEqual([storedJob('old', { updated_at: 4, token: 2 })]);
  });

  test('a list is filtered by status, task and tenant, and by all of them', async () => {
    await put('a', { updated_at: 6, status: 'PENDING', task: 'enrich' });
    await put('acme/b', { updated_at: 5, status: 'PENDING', task: 'enrich' });
    await put('acme/c', { updated_at: 4, status: 'COMPLETED', task: 'enrich' });
    await put('acme/d', { updated_at: 3, status: 'PENDING', task: 'prompt' });
    await put('beta/b', { updated_at: 2, status: 'PENDING', task: 'enrich' });
    expect(await keys({})).toHaveLength(5);
    expect(await keys({ status: 'COMPLETED' })).toEqual(['acme/c']);
    expect(await keys({ task: 'prompt' })).toEqual(['acme/d']);
    expect(await keys({ tenant: 'acme' })).toEqual(['acme/b', 'acme/c', 'acme/d']);
    expect(await keys({ tenant: null })).toEqual(['a']);
    expect(await keys({ tenant: 'acme', status: 'PENDING', task: 'enrich' })).toEqual(['acme/b']);
    expect(await keys({ tenant: 'nobody' })).toEqual([]);
  });

  test('a list follows a job to its new status', async () => {
    await put('a', { status: 'PENDING' });
    await put('a', { status: 'FAILED' });
    expect(await keys({ status: 'PENDING' })).toEqual([]);
    expect(await keys({ status: 'FAILED' })).toEqual(['a']);
  });

  test('the pages of a list hold every job once, ties included', async () => {
    for (const key of ['a', 'b', 'c', 'd', 'e']) await put(key, { updated_at: 5 });
    await put('f', { updated_at: 9 });
    await put('g', { updated_at: 1 });
    expect(await allPages({ limit: 2 })).toEqual([['f', 'e'], ['d', 'c'], ['b', 'a'], ['g']]);
    expect(await allPages({ limit: 7 })).toEqual([['f', 'e', 'd', 'c', 'b', 'a', 'g']]);
    expect(await allPages({ limit: 3, tenant: null, task: 'enrich' })).toEqual([
      ['f', 'e', 'd'],
      ['c', 'b', 'a'],
      ['g'],
    ]);
  });

  test('a page has 100 jobs unless a limit says else, and never none', async () => {
    await Promise.all(Array.from({ length: 101 }, (_, i) => put(`job-${i}`, { updated_at: i })));
    expect(await keys({})).toHaveLength(100);
    expect(await keys({ limit: 0 })).toEqual(['job-100']);
    expect(await keys({ limit: 1e9 })).toHaveLength(101);
  });

  test('a cursor that no list gave is refused', async () => {
    for (const cursor of ['', 'x', Buffer.from('[1]').toString('base64url')]) {
      await expect(current().store.list({ cursor })).rejects.toMatchObject({ code: 'invalid_cursor' });
    }
  });

  test('stats sum up jobs, attempts, tokens and cost, and count what has no price, by task, day and status', async () => {
    const usage = { input_tokens: 10, cached_tokens: 5, output_tokens: 2, reasoning_tokens: null };
    const done = { status: 'COMPLETED', created_at: DAY, attempts: 1, usage } as const;
    await put('a', { ...done, cost_usd: 0.5 });
    await put('acme/b', { ...done, created_at: 2 * DAY - 1, attempts: 2, cost_usd: null });
    await put('c', { ...done, created_at: 2 * DAY, cost_usd: null });
    await put('d', { status: 'PENDING', created_at: DAY });
    await put('e', { ...done, task: 'prompt', cost_usd: 0, usage: { ...usage, output_tokens: null } });
    const row = {
      task: 'enrich',
      status: 'COMPLETED',
      jobs: 1,
      attempts: 1,
      input_tokens: 10,
      output_tokens: 2,
    };
    expect(await current().store.stats()).toEqual([
      { ...row, day: '1970-01-03', cost_usd: null, unpriced: 1 },
      {
        ...row,
        day: '1970-01-02',
        jobs: 2,
        attempts: 3,
        input_tokens: 20,
        output_tokens: 4,
        cost_usd: 0.5,
        unpriced: 1,
      },
      {
        ...row,
        day: '1970-01-02',
        status: 'PENDING',
        attempts: 0,
        input_tokens: 0,
        output_tokens: 0,
        cost_usd: null,
        unpriced: 0,
      },
      { ...row, day: '1970-01-02', task: 'prompt', output_tokens: 0, cost_usd: 0, unpriced: 0 },
    ]);
  });

  test('stats of one tenant, and of jobs without one, are of those alone', async () => {
    await put('a', { created_at: DAY });
    await put('acme/a', { created_at: DAY });
    await put('acme/b', { created_at: DAY });
    await put('acme-2/a', { created_at: DAY });
    const jobs = async (filter?: { tenant: string | null }) =>
      (await current().store.stats(filter)).reduce((sum, row) => sum + row.jobs, 0);
    expect(await jobs()).toBe(4);
    expect(await jobs({ tenant: null })).toBe(1);
    expect(await jobs({ tenant: 'acme' })).toBe(2);
    expect(await jobs({ tenant: 'acme-2' })).toBe(1);
    expect(await jobs({ tenant: 'nobody' })).toBe(0);
  });

  test('stats of an empty store are empty', async () => {
    expect(await current().store.stats()).toEqual([]);
  });
}
