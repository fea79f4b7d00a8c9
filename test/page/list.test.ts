import type { Page } from 'playwright-core';
import { type PageWorld, shows, startPageWorld, writeRow } from './support';

describe('the list of jobs on the page', () => {
  let at: PageWorld;

  beforeAll(async () => {
    at = await startPageWorld();
  });

  afterAll(() => at.stop());
  afterEach(() => expect(at.faults).toEqual([]));

  /** The ids in the order of their rows. */
  const ids = (page: Page) => page.getByRole('rowheader').getByRole('link').allTextContents();

  test('none: it says so, and how to begin', async () => {
    const page = await at.open();
    await shows(page, /There are no jobs yet\. Submit one: infer-once run/);
    expect(await page.getByRole('table').count()).toBe(0);
  });

  test('while it waits for the gateway it says so', async () => {
    const page = await at.open();
    await shows(page, /There are no jobs yet/);
    let answer!: () => void;
    const asked = new Promise<void>((done) => {
      answer = done;
    });
    await page.route('**/v1/jobs?*', async (route) => {
      await asked;
      await route.continue();
    });
    await page.getByRole('button', { name: 'Refresh' }).click();
    await page.getByRole('status').getByText('Loading…').waitFor();
    expect(await page.locator('[aria-busy=true]').count()).toBe(1);
    answer();
    await shows(page, /There are no jobs yet/);
    expect(await page.locator('[aria-busy=true]').count()).toBe(0);
  });

  test('jobs are shown newest change first, filtered by status and task, and paged on', async () => {
    for (let n = 0; n < 60; n += 1) {
      const status = n % 2 === 0 ? 'COMPLETED' : 'FAILED';
      const task = n < 4 ? 'prompt' : 'enrich';
      const change = { status, task, updated_at: 1_000_000 + n, result: { json: '{}' } } as const;
      await writeRow(at, `job-${n}`, change);
    }
    const page = await at.open();
    await shows(page, /^50 jobs, as of/);
    expect((await ids(page)).slice(0, 3)).toEqual(['job-59', 'job-58', 'job-57']);
    expect(
      await page
        .getByRole('row', { name: /job-59/ })
        .getByText('FAILED')
        .count(),
    ).toBe(1);

    await page.getByRole('link', { name: 'Older →' }).click();
    await shows(page, /^10 jobs, as of/);
    expect(await ids(page)).toEqual([9, 8, 7, 6, 5, 4, 3, 2, 1, 0].map((n) => `job-${n}`));
    expect(await page.getByRole('link', { name: 'Older →' }).count()).toBe(0);
    await page.goBack();
    await shows(page, /^50 jobs, as of/);

    await page.getByRole('navigation', { name: 'Status' }).getByRole('link', { name: 'FAILED' }).click();
    await shows(page, /^30 jobs that are FAILED, as of/);
    expect(await page.getByRole('link', { name: 'FAILED' }).getAttribute('aria-current')).toBe('page');
    await page.getByRole('combobox', { name: 'Task' }).fill('prompt');
    await page.getByRole('button', { name: 'Filter' }).click();
    await shows(page, /^2 jobs of task prompt that are FAILED, as of/);
    expect(await ids(page)).toEqual(['job-3', 'job-1']);
    // an address that is kept shows the same again
    await page.reload();
    await shows(page, /^2 jobs of task prompt that are FAILED, as of/);
    expect(await page.getByRole('combobox', { name: 'Task' }).inputValue()).toBe('prompt');

    await page.getByRole('link', { name: 'PENDING' }).click();
    await shows(page, 'There are no jobs of task prompt that are PENDING.');
  });

  test('a job is opened by its id, whatever signs are in it', async () => {
    await writeRow(at, 'a.b_c:d~e@f+g-h', { status: 'CANCELED', updated_at: 2_000_000 });
    const page = await at.open();
    await page.getByLabel('Job id').fill(' a.b_c:d~e@f+g-h ');
    await page.getByRole('button', { name: 'Open' }).click();
    await page.getByRole('heading', { name: 'a.b_c:d~e@f+g-h' }).waitFor();
    await shows(page, 'It was canceled.');
    await page.getByRole('link', { name: '← Jobs' }).click();
    await page.getByRole('link', { name: 'a.b_c:d~e@f+g-h' }).click();
    await shows(page, 'It was canceled.');
  });

  test('a cursor or a status that is none is refused in words', async () => {
    for (const query of ['cursor=nonsense', 'status=LOST']) {
      const page = await at.open(`#/?${query}`);
      const alert = page.getByRole('alert');
      await alert.getByRole('heading', { name: 'The request can not be used' }).waitFor();
      await alert.getByRole('button', { name: 'Try again' }).waitFor();
    }
  });
});
