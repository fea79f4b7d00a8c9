import { findKey, type KeyEntry, makeKey } from '../../src/gateway/keys/key';
import { film } from '../gateway/support';
import { type PageWorld, shows, startPageWorld, untilState } from './support';

describe('the page of a gateway with keys', () => {
  const made = [makeKey('acme', new Date(), undefined), makeKey('globex', new Date(), undefined)] as const;
  const [acme, globex] = made.map(({ key }) => key) as [string, string];
  const entries = new Map<string, KeyEntry>();
  let at: PageWorld;

  beforeAll(async () => {
    at = await startPageWorld({ keys: { find: (key) => findKey(entries, key) } });
  });

  beforeEach(() => {
    for (const { entry } of made) entries.set(entry.id, entry);
  });

  afterAll(() => at.stop());
  afterEach(() => expect(at.faults).toEqual([]));

  const put = (key: string, id: string) =>
    at.gateway.send('PUT', `/v1/jobs/${id}?wait=30`, {
      body: film('alien (1979)'),
      headers: { authorization: `Bearer ${key}` },
    });

  test('asks for one, says when it is wrong, and shows the jobs of its tenant alone', async () => {
    await put(acme, 'of-acme');
    await put(globex, 'of-globex');
    const page = await at.open();
    await page.getByRole('heading', { name: 'A key is needed' }).waitFor();
    const input = page.getByLabel('API key');
    expect(await page.evaluate('document.activeElement.id')).toBe('key');
    expect(await input.getAttribute('type')).toBe('password');
    // nothing was sent yet that could be wrong
    expect(await page.getByRole('alert').count()).toBe(0);
    for (const [wrong, said] of [
      [`${acme}x`, 'This key is not, or no longer, known here'],
      ['schlüssel', 'This is no key'],
    ] as const) {
      await input.fill(wrong);
      await page.keyboard.press('Enter');
      await page.getByRole('alert').getByText(said).waitFor();
    }
    await input.fill(acme);
    await page.keyboard.press('Enter');
    await page.getByRole('link', { name: 'of-acme' }).waitFor();
    expect(await page.getByRole('link', { name: 'of-globex' }).count()).toBe(0);
    await shows(page, 'Tenant acme');
    await page.goto(`${at.gateway.url}/#/jobs/of-globex`);
    await page
      .getByRole('alert')
      .getByText(/of-globex/)
      .waitFor();
  });

  test('keeps it for its tab alone, and puts it in no address; "Forget the key" ends that', async () => {
    const page = await at.open();
    const addresses: string[] = [];
    page.on('request', (request) => addresses.push(request.url()));
    await page.getByLabel('API key').fill(acme);
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: 'Refresh' }).click();
    await page.reload();
    await page.getByRole('table').waitFor();
    expect(addresses.join(' ')).not.toContain(acme);
    expect(page.url()).not.toContain(acme);
    expect(await page.evaluate('Object.values(sessionStorage).join()')).toBe(acme);
    expect(await page.evaluate('localStorage.length + document.cookie.length')).toBe(0);
    const other = await page.context().newPage();
    await other.goto(at.gateway.url);
    await other.getByRole('heading', { name: 'A key is needed' }).waitFor();
    await page.getByRole('button', { name: 'Forget the key' }).click();
    await page.getByRole('heading', { name: 'A key is needed' }).waitFor();
    expect(await page.evaluate('sessionStorage.length')).toBe(0);
    expect(await page.getByRole('table').count()).toBe(0);
  });

  test('sends it with the event stream too, and with a decision', async () => {
    const id = 'streamed';
    await at.world.model.rules({ match: { job_id: `acme/${id}` }, do: { hold: true } });
    await at.gateway.send('PUT', `/v1/jobs/${id}`, {
      body: film('alien (1979)'),
      headers: { authorization: `Bearer ${acme}` },
    });
    const page = await at.open(`#/jobs/${id}`);
    await page.getByLabel('API key').fill(acme);
    await page.keyboard.press('Enter');
    await untilState(page, 'IN_PROGRESS Live');
    await page.getByRole('button', { name: 'Cancel…' }).click();
    await page.getByRole('button', { name: 'Cancel the job' }).click();
    await untilState(page, 'CANCELED Settled');
  });

  test('one that is taken back is asked for again, with the reason', async () => {
    const page = await at.open();
    await page.getByLabel('API key').fill(acme);
    await page.keyboard.press('Enter');
    await page.getByRole('table').waitFor();
    entries.clear();
    await page.getByRole('button', { name: 'Refresh' }).click();
    await page.getByRole('alert').getByText('This key is not, or no longer, known here').waitFor();
    expect(await page.evaluate('sessionStorage.length')).toBe(0);
  });
});
