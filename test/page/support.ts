import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import type { GatewayDeps } from '../../src/gateway/deps';
import type { StoredJob } from '../../src/store/store';
import { film, startGateway, type TestGateway } from '../gateway/support';
import { addLane, type Lane } from '../promises/support';
import { launchChromium } from '../support/chromium';
import { storedJob } from '../support/stored-job';
import { until } from '../support/until';
import { startWorld, type World } from '../support/world';

/** A world with a gateway, and a browser. */
export interface PageWorld {
  world: World;
  /** A worker that can't fetch a lost answer. */
  lane: Lane;
  gateway: TestGateway;
  browser: Browser;
  /** Opens an address of the page in a tab of its own, with nothing kept from another. */
  open(hash?: string, options?: BrowserContextOptions & { url?: string }): Promise<Page>;
  /** What no page may do: errors of its script, refusals by its policy, dialogs. */
  faults: string[];
  stop(): Promise<void>;
}

export async function startPageWorld(
  overrides: Partial<GatewayDeps> = {},
  browserArgs: string[] = [],
): Promise<PageWorld> {
  const browser = await launchChromium(browserArgs);
  const world = await startWorld({ server: 'dev' });
  await world.addWorker();
  const lane = await addLane(world, 'none', { recovery: 'none' });
  const gateway = await startGateway(world, overrides);
  const faults: string[] = [];
  const open: PageWorld['open'] = async (hash = '', { url = gateway.url, ...options } = {}) => {
    const context = await browser.newContext({ locale: 'en-GB', timezoneId: 'UTC', ...options });
    context.setDefaultTimeout(15_000);
    const page = await context.newPage();
    watchFaults(page, faults);
    await page.goto(`${url}/${hash}`);
    return page;
  };
  const stop = async () => {
    await browser.close();
    await world.model.rules();
    await world.model.release();
    // a test may have put another one in its place
    await at.gateway.stop();
    await world.stop();
  };
  const at: PageWorld = { world, lane, gateway, browser, open, faults, stop };
  return at;
}

function watchFaults(page: Page, faults: string[]): void {
  page.on('pageerror', (error) => faults.push(`error: ${error.message}`));
  page.on('dialog', (dialog) => {
    faults.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on('console', (message) => {
    // the browser's own line for every answer over 399, and where nobody answers
    if (message.type() !== 'error' || /Failed to load resource|net::ERR_/.test(message.text())) return;
    faults.push(`console: ${message.text()}`);
  });
}

/** Waits until a text is on view. */
export const shows = (page: Page, text: string | RegExp) => page.getByText(text).first().waitFor();

/** The line that says how a job stands, and whether that is live. */
export const untilState = (page: Page, state: string) =>
  until(`the page says ${state}`, async () => {
    const said = await page.locator('main [aria-live]').textContent();
    return said?.trim() === state;
  });

/** A job whose call is held at the model, seen IN_PROGRESS. */
export async function startHeld({ world, gateway }: PageWorld, id: string): Promise<void> {
  await world.model.rules({ match: { job_id: id }, do: { hold: true } });
  await gateway.send('PUT', `/v1/jobs/${id}`, { body: film('alien (1979)') });
  await world.model.waitForHeld(id);
}

/** Writes a row as it is, past every rule. */
export const writeRow = ({ world }: PageWorld, key: string, change: Partial<StoredJob>) =>
  world.store.update(key, () => ({ returns: undefined, job: storedJob(key, change) }));
