import type { Page } from 'playwright-core';
import { film } from '../gateway/support';
import { putOnHold } from '../promises/support';
import { until } from '../support/until';
import { type PageWorld, shows, startHeld, startPageWorld, untilState } from './support';

describe('one job on the page', () => {
  let at: PageWorld;

  beforeAll(async () => {
    at = await startPageWorld();
  });

  afterAll(() => at.stop());

  afterEach(async () => {
    await at.world.model.rules();
    await at.world.model.release();
    expect(at.faults).toEqual([]);
  });

  const recordOf = async (id: string) => (await at.world.jobs.get(id))!;
  const button = (page: Page, name: string | RegExp) => page.getByRole('button', { name });

  /** A job that waits for a decision, on view. */
  async function openDoubt(id: string): Promise<{ page: Page; doubt: number }> {
    const { doubt } = await putOnHold(at.world, at.lane, id);
    const page = await at.open(`#/jobs/${id}`);
    await untilState(page, 'IN_DOUBT Live');
    return { page, doubt: doubt!.token };
  }

  test('is shown live: each change is on view and read out without a reload', async () => {
    await startHeld(at, 'lives');
    const page = await at.open('#/jobs/lives');
    await untilState(page, 'IN_PROGRESS Live');
    await shows(page, 'A worker has it; its call is under way.');
    await at.world.model.release();
    await untilState(page, 'COMPLETED Settled');
    await page.getByRole('region', { name: 'Result' }).getByText('"Alien (1979)"').waitFor();
    expect(await page.title()).toBe('COMPLETED lives · infer-once');
    expect(await page.locator('main [aria-live]').getAttribute('aria-live')).toBe('polite');
  });

  test('one that waits in PENDING says what refuses it', async () => {
    await at.world.model.rules({ match: { job_id: 'limited' }, do: { status: 429 } });
    await at.gateway.send('PUT', '/v1/jobs/limited', { body: film('alien (1979)') });
    const page = await at.open('#/jobs/limited');
    await shows(page, /The provider refuses its call at no cost \(rate_limited\)/);
    await at.gateway.send('POST', '/v1/jobs/limited/cancel');
    await untilState(page, 'CANCELED Settled');
  });

  test('a doubt is settled by a rerun, and the record says who', async () => {
    const { page, doubt } = await openDoubt('rerun');
    await shows(page, /Nobody can know whether its call was executed/);
    await page.getByLabel('Run it again').check();
    // no decision without a name
    await button(page, `Settle doubt ${doubt}`).click();
    await page.getByLabel('Decided by').fill('  ');
    await button(page, `Settle doubt ${doubt}`).click();
    expect((await recordOf('rerun')).status).toBe('IN_DOUBT');
    await page.getByLabel('Decided by').fill('ann');
    await button(page, `Settle doubt ${doubt}`).click();
    await untilState(page, 'COMPLETED Settled');
    await page.getByRole('listitem').getByText(`Doubt ${doubt}: rerun by ann`).waitFor();
    expect((await recordOf('rerun')).decisions).toMatchObject([{ action: 'rerun', doubt, by: 'ann' }]);
    expect(at.world.model.billed('rerun')).toBe(2);
    // whoever decided in this tab has not to say it again
    await openDoubtIn(page, 'rerun-next');
    expect(await page.getByLabel('Decided by').inputValue()).toBe('ann');
  });

  async function openDoubtIn(page: Page, id: string): Promise<void> {
    await putOnHold(at.world, at.lane, id);
    await page.goto(`${at.gateway.url}/#/jobs/${id}`);
    await untilState(page, 'IN_DOUBT Live');
  }

  test('an answer is adopted as it is written; what is no JSON or off the schema is refused in words', async () => {
    const { page, doubt } = await openDoubt('adopt');
    const answer = page.getByLabel('The answer, as JSON');
    expect(await answer.isVisible()).toBe(false);
    await page.getByLabel('Give the answer').check();
    await page.getByLabel('Decided by').fill('ann');
    await answer.fill('Heat (1995)');
    await button(page, `Settle doubt ${doubt}`).click();
    await page.getByRole('alert').getByText('The answer is not JSON').waitFor();
    expect(await answer.getAttribute('aria-invalid')).toBe('true');
    expect(await page.evaluate('document.activeElement.id')).toBe('answer');
    await answer.fill('{"nope": 1}');
    await button(page, `Settle doubt ${doubt}`).click();
    await page.getByRole('alert').getByText('The input can not be used').waitFor();
    expect((await recordOf('adopt')).status).toBe('IN_DOUBT');
    await answer.fill('{"normalized_title": "Heat (1995)", "category": "Crime"}');
    await button(page, `Settle doubt ${doubt}`).click();
    await untilState(page, 'COMPLETED Settled');
    await shows(page, 'Somebody gave the answer.');
    const { result, source, decisions } = await recordOf('adopt');
    expect({ result, source, by: decisions[0]!.by }).toEqual({
      result: { normalized_title: 'Heat (1995)', category: 'Crime' },
      source: 'adopted',
      by: 'ann',
    });
    expect(at.world.model.billed('adopt')).toBe(1);
  });

  test('a doubt is given up', async () => {
    const { page, doubt } = await openDoubt('abandon');
    await page.getByLabel('Give it up').check();
    await page.getByLabel('Decided by').fill('ann');
    await button(page, `Settle doubt ${doubt}`).click();
    await untilState(page, 'FAILED Settled');
    await shows(page, 'abandoned: abandoned by ann');
  });

  test('a decision names the doubt that was on view: settled by another meanwhile, it is refused and said', async () => {
    const { page, doubt } = await openDoubt('raced');
    await page.getByLabel('Run it again').check();
    await page.getByLabel('Decided by').fill('ann');
    await page.route('**/resolve', async (route) => {
      expect(route.request().postDataJSON()).toEqual({ action: 'rerun', doubt, by: 'ann' });
      await at.lane.jobs.resolve('raced', { action: 'abandon', doubt, by: 'bob' });
      await untilState(page, 'FAILED Settled');
      await route.continue();
    });
    await button(page, `Settle doubt ${doubt}`).click();
    await page.getByRole('alert').getByText(`doubt ${doubt} was settled by bob`).waitFor();
    await page.getByRole('listitem').getByText('abandon by bob').waitFor();
    expect(at.world.model.billed('raced')).toBe(1);
  });

  test('what is being written stays while the job changes around it', async () => {
    const { page, doubt } = await openDoubt('typing');
    await page.getByLabel('Give the answer').check();
    await page.getByLabel('The answer, as JSON').fill('{"half');
    // what no worker writes of its own on hold: it would be gone again before the page has looked
    await at.world.store.update('typing', (row) => ({ returns: undefined, job: { ...row!, attempts: 7 } }));
    await page.getByRole('definition').getByText('7', { exact: true }).waitFor();
    expect(await page.getByLabel('The answer, as JSON').inputValue()).toBe('{"half');
    expect(await button(page, `Settle doubt ${doubt}`).count()).toBe(1);
  });

  test('a job is canceled after a question, which Escape answers with no', async () => {
    await startHeld(at, 'cancel');
    const page = await at.open('#/jobs/cancel');
    await untilState(page, 'IN_PROGRESS Live');
    await button(page, 'Cancel…').click();
    const dialog = page.getByRole('dialog', { name: 'Cancel cancel?' });
    await dialog.getByText('What it has called may be paid for all the same.').waitFor();
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'detached' });
    expect((await recordOf('cancel')).status).toBe('IN_PROGRESS');
    await button(page, 'Cancel…').click();
    await button(page, 'Let it go on').click();
    expect((await recordOf('cancel')).status).toBe('IN_PROGRESS');
    await button(page, 'Cancel…').click();
    await button(page, 'Cancel the job').click();
    await untilState(page, 'CANCELED Settled');
    expect((await recordOf('cancel')).status).toBe('CANCELED');
  });

  test('a failed job is run again after a question, and is live from then on', async () => {
    await at.world.model.rules({ match: { job_id: 'retry' }, times: 1, do: { status: 400 } });
    await at.gateway.send('PUT', '/v1/jobs/retry?wait=30', { body: film('alien (1979)') });
    const page = await at.open('#/jobs/retry');
    await untilState(page, 'FAILED Settled');
    await startHeldRetry('retry');
    await button(page, 'Retry…').click();
    await page.getByRole('dialog').getByText('Nothing was paid for it yet; this calls the model.').waitFor();
    await button(page, 'Run it again').click();
    await untilState(page, 'IN_PROGRESS Live');
    await at.world.model.release();
    await untilState(page, 'COMPLETED Settled');
    expect(at.world.model.billed('retry')).toBe(1);
  });

  const startHeldRetry = (job_id: string) => at.world.model.rules({ match: { job_id }, do: { hold: true } });

  test('nobody is left behind at the gateway by a page that moved on', async () => {
    await startHeld(at, 'left');
    const page = await at.open('#/jobs/left');
    await untilState(page, 'IN_PROGRESS Live');
    const [request] = await Promise.all([
      page.waitForEvent('requestfailed', (failed) => failed.url().endsWith('/v1/jobs/left/events')),
      page.getByRole('link', { name: '← Jobs' }).click(),
    ]);
    expect(request.failure()?.errorText).toBe('net::ERR_ABORTED');
    await until('the list', () => page.getByRole('table').isVisible());
  });
});
