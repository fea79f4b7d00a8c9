import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Page } from 'playwright-core';
import { film, keysOf, startGateway } from '../gateway/support';
import { type PageWorld, shows, startHeld, startPageWorld, untilState, writeRow } from './support';

const EVIL = '<img src=x onerror="window.pwned=1"><script>window.pwned=1</script><b>bold</b>';

describe('text from jobs and addresses is never markup', () => {
  let at: PageWorld;

  beforeAll(async () => {
    at = await startPageWorld();
  });

  afterAll(() => at.stop());
  afterEach(() => expect(at.faults).toEqual([]));

  async function expectHarmless(page: Page): Promise<void> {
    expect(await page.evaluate('window.pwned ?? "unharmed"')).toBe('unharmed');
    expect(await page.locator('main').locator('img, script, b, iframe').count()).toBe(0);
  }

  test('whatever field it is in', async () => {
    const decisions = [{ action: 'rerun' as const, doubt: 1, by: EVIL, at: 1000 }];
    const base = { task: EVIL, task_version: EVIL, decisions, model: EVIL, request_id: EVIL };
    const doubt = { token: 1, since: 1000, reason: `doubt ${EVIL}`, recovering: false };
    const refusal = { reason: EVIL, message: `refusal ${EVIL}`, since: 1000, retry_at: 2000 };
    const result = { json: JSON.stringify({ title: EVIL, [EVIL]: [EVIL] }) };
    await writeRow(at, 'completed', { ...base, status: 'COMPLETED', result, source: 'inference' });
    await writeRow(at, 'failed', { ...base, status: 'FAILED', error: { code: 'refused', message: EVIL } });
    await writeRow(at, 'doubtful', { ...base, status: 'IN_DOUBT', doubt });
    await writeRow(at, 'refused', { ...base, status: 'PENDING', refusal });
    const page = await at.open();
    await page
      .getByRole('row', { name: /failed/ })
      .getByText(EVIL)
      .first()
      .waitFor();
    await expectHarmless(page);
    for (const id of ['completed', 'failed', 'doubtful', 'refused']) {
      await page.goto(`${at.gateway.url}/#/jobs/${id}`);
      await page.getByRole('heading', { name: id, exact: true }).waitFor();
      await page.getByRole('listitem').getByText(EVIL).waitFor();
      await expectHarmless(page);
    }
  });

  test('a title that a caller submitted, and the answer to it', async () => {
    await at.gateway.send('PUT', '/v1/jobs/titled?wait=30', { body: film(EVIL) });
    const page = await at.open('#/jobs/titled');
    await page
      .getByRole('region', { name: 'Result' })
      .getByText(/onerror/i)
      .waitFor();
    await expectHarmless(page);
  });

  test('an address that somebody sent', async () => {
    const evil = encodeURIComponent(EVIL);
    for (const hash of [
      `#/jobs/${evil}`,
      `#/?task=${evil}&status=${evil}`,
      `#${EVIL}`,
      '#/?task=x&limit=1',
    ]) {
      const page = await at.open(hash);
      await page.getByRole('heading', { level: 2 }).waitFor();
      await page
        .getByText(/can not be used|There are no jobs|jobs?, as of/)
        .first()
        .waitFor();
      await expectHarmless(page);
    }
  });

  test('the policy holds even where the page had a hole', async () => {
    const page = await at.open();
    const tries = [
      'document.body.innerHTML = "<p>x</p>"',
      'document.body.append(Object.assign(document.createElement("script"), { textContent: "window.pwned=1" }))',
      'document.body.setAttribute("onclick", "window.pwned=1")',
    ];
    for (const code of tries) {
      const how = await page.evaluate(
        `(() => { try { ${code}; return "done" } catch (error) { return error.name } })()`,
      );
      expect(how).toBe('TypeError');
    }
    const away = await page.evaluate(
      'fetch("http://127.0.0.1:1/").then(() => "sent", (error) => error.name)',
    );
    expect(away).toBe('TypeError');
    await expectHarmless(page);
    // what the browser said of each
    expect(at.faults.splice(0).join('\n')).toMatch(/Content Security Policy/);
  });
});

describe('a page of another site, in a real browser', () => {
  let at: PageWorld;
  let evil: Server;
  let evilUrl: string;

  beforeAll(async () => {
    // the name is the attacker's, and points to this machine: DNS rebinding
    at = await startPageWorld({}, ['--host-resolver-rules=MAP evil.test 127.0.0.1']);
    evil = createServer((_, response) =>
      response.setHeader('content-type', 'text/html').end(`<form method="post"><button>Win</button></form>
        <a id="link" href="${at.gateway.url}/#/jobs/mine">Its job</a>`),
    );
    await new Promise<void>((done) => evil.listen(0, '127.0.0.1', done));
    evilUrl = `http://127.0.0.1:${(evil.address() as AddressInfo).port}`;
    await startHeld(at, 'mine');
  });

  afterAll(async () => {
    await at.stop();
    await new Promise((done) => evil.close(done));
  });

  const statusOf = async () => (await at.world.jobs.get('mine'))!.status;

  test.each([
    ['of another port', () => evilUrl],
    ['of another name', () => evilUrl.replace('127.0.0.1', 'evil.test')],
  ])('%s can send nothing that counts', async (_, urlOf) => {
    const page = await at.open('', { url: urlOf() });
    const act = `${at.gateway.url}/v1/jobs/mine/cancel`;
    // a simple request: no preflight asks before it is sent
    await page.evaluate(`fetch("${act}", { method: "POST", mode: "no-cors" }).catch(() => 0)`);
    const [answer] = await Promise.all([
      page.waitForResponse((response) => response.url() === act),
      // sent in a turn of its own: an evaluation whose page is left under it may never answer
      page.evaluate(
        `(() => { const form = document.forms[0]; form.action = "${act}"; setTimeout(() => form.submit()) })()`,
      ),
    ]);
    expect(answer.status()).toBe(403);
    expect(await statusOf()).toBe('IN_PROGRESS');
  });

  test('its reads are refused too, and a link that is followed shows the page', async () => {
    const page = await at.open('', { url: evilUrl });
    const [read] = await Promise.all([
      page.waitForResponse(/\/v1\/jobs$/),
      page.evaluate(`fetch("${at.gateway.url}/v1/jobs", { mode: "no-cors" })`),
    ]);
    expect(read.status()).toBe(403);
    await page.locator('#link').click();
    await untilState(page, 'IN_PROGRESS Live');
  });

  test('one whose name is made to point to the gateway is given nothing', async () => {
    const { port } = new URL(at.gateway.url);
    const page = await at.open('', { url: `http://evil.test:${port}` });
    await shows(page, /foreign_host/);
    const acted = await page.evaluate(
      'fetch("/v1/jobs/mine/cancel", { method: "POST" }).then((answer) => answer.status)',
    );
    expect(acted).toBe(421);
    expect(await statusOf()).toBe('IN_PROGRESS');
  });

  test('with keys the name is free, and the page works by it', async () => {
    const { keys, headers } = keysOf('acme');
    const keyed = await startGateway(at.world, { keys });
    const page = await at.open('', { url: keyed.url.replace('127.0.0.1', 'evil.test') });
    await page.getByLabel('API key').fill(headers.acme!.authorization.slice('Bearer '.length));
    await page.keyboard.press('Enter');
    await shows(page, /There are no jobs yet/);
    await page.close();
    await keyed.stop();
  });
});
