import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { type Stack, startStack } from '../../src/dev/stack';
import { findFreePort } from '../../src/dev/temporal';
import { initKeysFile } from '../../src/encryption/keys-file';
import { film, send } from '../gateway/support';
import { launchChromium } from '../support/chromium';

const TOKEN = randomBytes(32).toString('hex');
const SECRET = 'the secret alien (1979)';

describe('Temporal UI, of jobs that are sealed', () => {
  let browser: Browser;
  let stack: Stack;
  let folder: string;
  /** A cookie of one site: both by one name, as two hosts of one domain would be. */
  const byName = (url: string) => url.replace('127.0.0.1', 'localhost');

  beforeAll(async () => {
    browser = await launchChromium();
    folder = mkdtempSync(join(tmpdir(), 'infer-once-codec-'));
    const keysFile = join(folder, 'encryption-keys.json');
    initKeysFile(keysFile);
    const uiPort = await findFreePort();
    stack = await startStack({
      dataDir: join(folder, 'data'),
      temporalPort: await findFreePort(),
      uiPort,
      gatewayPort: await findFreePort(),
      offline: {},
      env: {
        INFER_ONCE_ENCRYPTION_KEYS_FILE: keysFile,
        INFER_ONCE_CODEC_TOKEN: TOKEN,
      },
      onWorkerLine: () => undefined,
    });
    await send(stack.gatewayUrl!, 'PUT', '/v1/jobs/film-1?wait=30', { body: film(SECRET) });
  });

  afterAll(async () => {
    await browser.close();
    await stack.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  /** Opens the job's run in a browser whose UI is told of the codec, as its settings would. */
  async function openRun(page: Page): Promise<void> {
    const settings = {
      endpoint: `${byName(stack.gatewayUrl!)}/codec`,
      includeCredentials: true,
      overrideRemoteCodecConfiguration: true,
    };
    // where the UI keeps what its settings of the codec server say; as text, since this code knows no DOM
    const lines = Object.entries(settings).map(
      ([name, value]) => `localStorage.setItem('${name}', '${JSON.stringify(value)}');`,
    );
    await page.addInitScript(lines.join('\n'));
    await page.goto(`${byName(stack.uiUrl!)}/namespaces/default/workflows/film-1`);
    await page.getByText('inferenceJob').first().waitFor();
  }

  test('shows what they hold to a browser that signed in at the gateway', async () => {
    const page = await browser.newPage();
    await page.goto(`${byName(stack.gatewayUrl!)}/codec`);
    await page.getByLabel('Token').fill(TOKEN);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByText('Signed in').waitFor();
    await openRun(page);
    await page.getByText(SECRET).first().waitFor();
  });

  test('and to no other', async () => {
    const context = await browser.newContext();
    const page = await context.newPage();
    const refused = page.waitForResponse((response) => new URL(response.url()).pathname === '/codec/decode');
    await openRun(page);
    expect((await refused).status()).toBe(401);
    expect(await page.content()).not.toContain('secret');
    await context.close();
  });
});
