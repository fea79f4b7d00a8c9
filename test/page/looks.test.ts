import type { Page } from 'playwright-core';
import { film } from '../gateway/support';
import { putOnHold } from '../promises/support';
import { poorContrasts } from './contrast';
import { type PageWorld, shows, startPageWorld, untilState, writeRow } from './support';

const LONG_ID = `films:${'very-long-'.repeat(24)}id`;

describe('the page for every reader', () => {
  let at: PageWorld;

  beforeAll(async () => {
    at = await startPageWorld({ runsUrl: 'http://127.0.0.1:1/namespaces/default/workflows' });
    await putOnHold(at.world, at.lane, 'doubtful');
    await at.world.model.rules({ match: { job_id: 'refused' }, do: { status: 400 } });
    for (const id of ['done', 'refused']) {
      await at.gateway.send('PUT', `/v1/jobs/${id}?wait=30`, { body: film('alien (1979)') });
    }
    await writeRow(at, LONG_ID, { status: 'COMPLETED', result: { json: JSON.stringify('x'.repeat(5000)) } });
    for (const status of ['PENDING', 'IN_PROGRESS', 'CANCELED'] as const)
      await writeRow(at, status, { status });
  });

  afterAll(() => at.stop());
  afterEach(() => expect(at.faults).toEqual([]));

  const ADDRESSES = [
    '#/',
    '#/jobs/doubtful',
    '#/jobs/done',
    '#/jobs/refused',
    `#/jobs/${LONG_ID}`,
    '#/jobs/none',
  ];
  const ready = (page: Page) =>
    page
      .getByText(/Fencing token|jobs?, as of|No such job/)
      .first()
      .waitFor();

  test('every text stands out against what is behind it, in light and in dark', async () => {
    const backs = { light: 'rgb(255, 255, 255)', dark: 'rgb(20, 23, 28)' };
    for (const hash of ADDRESSES) {
      const page = await at.open(hash);
      await ready(page);
      for (const colorScheme of ['light', 'dark'] as const) {
        await page.emulateMedia({ colorScheme });
        const back = await page.evaluate('getComputedStyle(document.documentElement).backgroundColor');
        const poor = await poorContrasts(page);
        expect({ hash, back, poor }).toEqual({ hash, back: backs[colorScheme], poor: [] });
      }
      await page.close();
    }
  });

  test('nothing runs out of a window, from 360 px on', async () => {
    for (const hash of ADDRESSES) {
      const page = await at.open(hash);
      await ready(page);
      if (hash === '#/jobs/doubtful') await page.getByLabel('Give the answer').check();
      for (const width of [360, 500, 760, 1200]) {
        await page.setViewportSize({ width, height: 700 });
        const wide = await page.evaluate('document.documentElement.scrollWidth');
        expect({ hash, wide }).toEqual({ hash, wide: width });
      }
      await page.close();
    }
  });

  test('a status is a word, not a colour alone, and a table stays one where it is narrow', async () => {
    for (const width of [360, 1200]) {
      const page = await at.open('', { viewport: { width, height: 700 } });
      const row = page.getByRole('table').getByRole('row', { name: /doubtful/ });
      await row.getByRole('cell', { name: 'IN_DOUBT', exact: true }).waitFor();
      await row.getByRole('rowheader').getByRole('link', { name: 'doubtful' }).waitFor();
      expect(await page.getByRole('columnheader', { name: 'Status' }).count()).toBe(1);
      await page.close();
    }
  });

  test('by keyboard alone: from the list to a decision', async () => {
    const page = await at.open();
    await ready(page);
    const focused = () =>
      page.evaluate('document.activeElement.textContent.trim() || document.activeElement.id');
    await page.keyboard.press('Tab');
    expect(await focused()).toBe('Skip to the content');
    await page.keyboard.press('Enter');
    expect(await page.evaluate('document.activeElement.id')).toBe('view');
    // the next stops are those of the content
    await page.keyboard.press('Tab');
    expect(await focused()).toBe('All');
    for (let stops = 0; (await focused()) !== 'doubtful'; stops += 1) {
      expect(stops).toBeLessThan(30);
      await page.keyboard.press('Tab');
    }
    await page.keyboard.press('Enter');
    await untilState(page, 'IN_DOUBT Live');
    // a reader of the screen goes on at what is new
    expect(await focused()).toBe('doubtful');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Space');
    expect(await page.getByLabel('Run it again').isChecked()).toBe(true);
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowDown');
    expect(await page.getByLabel('Give it up').isChecked()).toBe(true);
    await page.keyboard.press('Tab');
    await page.keyboard.type('ann');
    await page.keyboard.press('Enter');
    await untilState(page, 'FAILED Settled');
    // what had the focus is gone; it is not lost with it
    expect(await focused()).toBe('doubtful');
    await shows(page, 'abandoned: abandoned by ann');
  });

  test('every field and button has a name, and every page one main part and a heading', async () => {
    for (const hash of ADDRESSES) {
      const page = await at.open(hash);
      await ready(page);
      const nameless = page.locator('input, select, textarea, button, a').filter({ visible: true });
      for (const node of await nameless.all()) {
        expect(await node.ariaSnapshot()).toMatch(/^- \w+ "[^"]+"/);
      }
      expect(await page.getByRole('main').getByRole('heading', { level: 2 }).count()).toBe(1);
      expect(await page.locator('html').getAttribute('lang')).toBe('en');
      await page.close();
    }
  });
});
