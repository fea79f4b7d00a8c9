import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import type { Browser, Page } from 'playwright-core';
import { type Stack, startStack } from '../../src/dev/stack';
import { findFreePort } from '../../src/dev/temporal';
import { openStore } from '../../src/store/open';
import { film, keysOf, send, startGateway } from '../gateway/support';
import { launchChromium } from '../support/chromium';

describe('the way from a job to its run', () => {
  let browser: Browser;
  let stack: Stack;
  let dataDir: string;

  beforeAll(async () => {
    browser = await launchChromium();
    dataDir = mkdtempSync(join(tmpdir(), 'infer-once-page-'));
    stack = await startStack({
      dataDir,
      temporalPort: await findFreePort(),
      uiPort: await findFreePort(),
      gatewayPort: await findFreePort(),
      offline: {},
      onWorkerLine: () => undefined,
    });
  });

  afterAll(async () => {
    await browser.close();
    await stack.stop();
    rmSync(dataDir, { recursive: true, force: true });
  });

  /** Follows the link to Temporal UI, which leads on to the latest run. */
  async function follow(page: Page): Promise<Page> {
    const [run] = await Promise.all([
      page.context().waitForEvent('page'),
      page.getByRole('link', { name: 'Its run in Temporal UI' }).click(),
    ]);
    await run.waitForURL(/\/workflows\/[^/]+\/[0-9a-f-]{36}\//);
    expect(run.url().startsWith(`${stack.uiUrl}/`)).toBe(true);
    await run.getByText('inferenceJob').first().waitFor();
    return run;
  }

  test('dev tells its gateway where Temporal UI is, and the link leads to the run', async () => {
    await send(stack.gatewayUrl!, 'PUT', '/v1/jobs/a~b@c+d:1?wait=30', { body: film('alien (1979)') });
    const page = await browser.newPage();
    await page.goto(`${stack.gatewayUrl}/#/jobs/a~b@c+d:1`);
    const run = await follow(page);
    await run.getByText('a~b@c+d:1').first().waitFor();
  });

  test("a tenant's job leads to the run of its tenant", async () => {
    const connection = await Connection.connect({ address: stack.temporalAddress });
    const parts = { client: new Client({ connection }), address: stack.temporalAddress };
    const store = await openStore(stack.storeUrl);
    const { keys, headers } = keysOf('acme');
    const runsUrl = `${stack.uiUrl}/namespaces/default/workflows`;
    const gateway = await startGateway({ ...parts, store, model: stack.offline! }, { keys, runsUrl });
    await gateway.send('PUT', '/v1/jobs/film-1?wait=30', {
      body: film('alien (1979)'),
      headers: headers.acme,
    });
    const page = await browser.newPage();
    await page.goto(`${gateway.url}/#/jobs/film-1`);
    await page.getByLabel('API key').fill(headers.acme!.authorization.slice('Bearer '.length));
    await page.keyboard.press('Enter');
    const run = await follow(page);
    await run.getByText('acme/film-1').first().waitFor();
    expect(await run.evaluate('window.opener')).toBeNull();
    await page.close();
    await gateway.stop();
    await store.close();
    await connection.close();
  });
});
