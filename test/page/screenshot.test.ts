import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { film } from '../gateway/support';
import { putOnHold } from '../promises/support';
import { type PageWorld, startHeld, startPageWorld, untilState } from './support';

const ROOT = join(__dirname, '../..');
const MOST_BYTES = 150_000;
const SIZE = { width: 720, height: 690 };

/** What README shows; `npm run screenshot` writes it. */
describe('the screenshot in README', () => {
  let at: PageWorld;

  beforeAll(async () => {
    at = await startPageWorld({ runsUrl: 'http://127.0.0.1:1/namespaces/default/workflows' });
    for (const [id, title] of [
      ['film-alien', '  the   alien (1979)'],
      ['film-heat', 'heat (1995)'],
      ['film-brazil', 'BRAZIL 1985'],
    ] as const) {
      await at.gateway.send('PUT', `/v1/jobs/${id}?wait=30`, { body: film(title) });
    }
    await at.world.model.rules({ match: { job_id: 'film-untitled' }, do: { status: 400 } });
    await at.gateway.send('PUT', '/v1/jobs/film-untitled?wait=30', { body: film('?') });
    await putOnHold(at.world, at.lane, 'film-metropolis');
    await startHeld(at, 'film-stalker');
  });

  afterAll(() => at.stop());

  test('is small, and shows jobs and a doubt as they are on view', async () => {
    const list = await at.open('', { viewport: SIZE });
    await list.getByRole('row', { name: /film-metropolis/ }).waitFor();
    const job = await at.open('#/jobs/film-metropolis', { viewport: SIZE, colorScheme: 'dark' });
    await untilState(job, 'IN_DOUBT Live');
    const shots = [await list.screenshot(), await job.screenshot()];
    const sheet = await at.browser.newPage({ viewport: { width: 2 * SIZE.width, height: SIZE.height } });
    const images = shots.map((shot) => `<img src="data:image/png;base64,${shot.toString('base64')}">`);
    await sheet.setContent(`<style>body { margin: 0; display: flex }</style>${images.join('')}`);
    const image = await sheet.screenshot();
    expect(image.length).toBeLessThan(MOST_BYTES);
    const file = process.env.INFER_ONCE_SCREENSHOT;
    if (file) writeFileSync(join(ROOT, file), image);
    expect(at.faults).toEqual([]);
  });

  test('is there', () => {
    expect(readFileSync(join(ROOT, 'README.md'), 'utf8')).toContain('](docs/page.png)');
    expect(readFileSync(join(ROOT, 'docs/page.png')).length).toBeLessThan(MOST_BYTES);
  });
});
