import { UnreachableError } from '../../src/errors';
import { clientsByTenant } from '../../src/gateway/run';
import { film, startGateway } from '../gateway/support';
import { type PageWorld, shows, startHeld, startPageWorld, untilState, writeRow } from './support';

describe('what goes wrong is said in plain words on the page', () => {
  let at: PageWorld;

  beforeAll(async () => {
    at = await startPageWorld();
  });

  afterAll(() => at.stop());
  afterEach(() => expect(at.faults).toEqual([]));

  const startAgain = async () => {
    at.gateway = await startGateway(at.world, { port: Number(new URL(at.gateway.url).port) });
  };

  test('the gateway is away: the list says so, and goes on by "Try again"', async () => {
    await writeRow(at, 'known', { status: 'COMPLETED', result: { json: '1' } });
    const page = await at.open();
    await page.getByRole('table').waitFor();
    await at.gateway.stop();
    await page.getByRole('button', { name: 'Refresh' }).click();
    const alert = page.getByRole('alert');
    await alert.getByRole('heading', { name: 'The gateway does not answer' }).waitFor();
    await startAgain();
    await alert.getByRole('button', { name: 'Try again' }).click();
    await page.getByRole('link', { name: 'known' }).waitFor();
    expect(await page.getByRole('alert').count()).toBe(0);
  });

  test('the gateway goes away and comes back: a job is live again by itself, and misses nothing', async () => {
    await startHeld(at, 'outlives');
    const page = await at.open('#/jobs/outlives');
    await untilState(page, 'IN_PROGRESS Live');
    await at.gateway.stop();
    await untilState(page, 'IN_PROGRESS The gateway does not answer; trying again…');
    await at.world.model.release();
    await at.world.jobs.wait('outlives');
    await startAgain();
    await untilState(page, 'COMPLETED Settled');
  });

  test('an act that meets no gateway is said, and the job stays on view', async () => {
    await startHeld(at, 'unheard');
    const page = await at.open('#/jobs/unheard');
    await untilState(page, 'IN_PROGRESS Live');
    await page.route('**/cancel', (route) => route.abort());
    await page.getByRole('button', { name: 'Cancel…' }).click();
    await page.getByRole('button', { name: 'Cancel the job' }).click();
    await page.getByRole('alert').getByText('The gateway does not answer.').waitFor();
    await untilState(page, 'IN_PROGRESS Live');
    await at.world.model.release();
  });

  test.each([
    ['nothing is known of the job', 'never-heard', 'No such job'],
    ['the id can be none', 'no job/at all', 'The job id can not be used'],
  ])('%s', async (_, id, title) => {
    const page = await at.open(`#/jobs/${encodeURIComponent(id)}`);
    const alert = page.getByRole('alert').filter({ hasText: title });
    await alert.getByText(id).waitFor();
    // asking again would change nothing
    expect(await alert.getByRole('button').count()).toBe(0);
    await page.getByRole('heading', { name: id }).waitFor();
  });

  test('an address that is cut off in the middle of a sign', async () => {
    const page = await at.open('#/jobs/film%E2');
    await shows(page, 'The job id can not be used');
  });

  test('the job was forgotten, before it was looked at and while it is on view', async () => {
    await at.gateway.send('PUT', '/v1/jobs/gone?wait=30', { body: film('alien (1979)') });
    const page = await at.open('#/jobs/gone');
    await untilState(page, 'COMPLETED Settled');
    await at.gateway.send('DELETE', '/v1/jobs/gone');
    await page.reload();
    await page.getByRole('alert').getByText('The job was forgotten').waitFor();
    await page.goto(`${at.gateway.url}/#/?status=FORGOTTEN`);
    await page.getByRole('row', { name: /gone/ }).waitFor();
  });

  test('Temporal or the store is away: the gateway’s own sentence', async () => {
    const away = new UnreachableError('store', 'The store in db.internal does not answer.');
    const store = { ...at.world.store, list: () => Promise.reject(away) };
    const jobs = clientsByTenant({ client: at.world.client, store });
    const gateway = await startGateway(at.world, { jobs });
    const page = await at.open('', { url: gateway.url });
    const alert = page.getByRole('alert');
    await alert.getByRole('heading', { name: 'A part is away' }).waitFor();
    await alert.getByText('The store does not answer; send the request again in').waitFor();
    expect(await page.getByText('db.internal').count()).toBe(0);
    await page.close();
    await gateway.stop();
  });

  test('a record that can not be read is named beside the others', async () => {
    const page = await at.open();
    await page.route('**/v1/jobs?*', async (route) => {
      const response = await route.fetch();
      const corrupt = [{ job_id: 'broken', message: 'The row of job broken is damaged.' }];
      await route.fulfill({ response, json: { ...(await response.json()), corrupt } });
    });
    await page.getByRole('button', { name: 'Refresh' }).click();
    await page.getByRole('alert').getByText('The row of job broken is damaged.').waitFor();
    await page.getByRole('table').waitFor();
  });
});
