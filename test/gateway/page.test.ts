import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadConfig } from '../../src/config';
import { startWorld, type World } from '../support/world';
import { keysOf, sendVerbatim, startGateway, type TestGateway } from './support';

const FOLDER = join(__dirname, '../../src/gateway/page/static');
const { keys, headers: keyOf } = keysOf('acme');

describe('the built-in page as it is served', () => {
  let world: World;
  let open: TestGateway;
  let keyed: TestGateway;

  beforeAll(async () => {
    world = await startWorld();
    open = await startGateway(world);
    keyed = await startGateway(world, {
      keys,
      runsUrl: 'http://127.0.0.1:8233/namespaces/default/workflows',
    });
  });

  afterAll(async () => {
    await open.stop();
    await keyed.stop();
    await world.stop();
  });

  test('its policy lets nothing in but its own files: no inline script, no other host, no frame around it', async () => {
    const { status, headers } = await open.send('GET', '/');
    expect(status).toBe(200);
    expect(headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(headers.get('content-security-policy')!.split('; ')).toEqual(
      expect.arrayContaining([
        ...["default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'"],
        ...["frame-ancestors 'none'", "base-uri 'none'", "form-action 'none'"],
        "require-trusted-types-for 'script'",
      ]),
    );
    expect(headers.get('content-security-policy')).not.toMatch(/unsafe|\*|http/);
    expect(headers.get('x-content-type-options')).toBe('nosniff');
  });

  test('its files name no other host, and its markup has no script or style of its own', async () => {
    const { body } = await open.send('GET', '/');
    expect(body).not.toMatch(/<script(?![^>]* src="\/page\/[\w.]+")|<style|style=| on\w+=/);
    for (const name of readdirSync(FOLDER)) {
      const text = readFileSync(join(FOLDER, name), 'utf8').replaceAll('http://www.w3.org/2000/svg', '');
      expect(text).not.toMatch(/(https?:)?\/\/[\w-]+\.\w/);
      expect(text).not.toMatch(/innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(/);
    }
  });

  test('each file of it is there without a key, with its type, and nothing else is', async () => {
    const types = { html: 'text/html', css: 'text/css', mjs: 'text/javascript', svg: 'image/svg+xml' };
    for (const name of readdirSync(FOLDER)) {
      const { status, headers } = await keyed.send('GET', name === 'index.html' ? '/' : `/page/${name}`);
      expect(status).toBe(200);
      const type = types[name.split('.').at(-1) as keyof typeof types];
      expect(headers.get('content-type')).toContain(type);
      expect(headers.get('content-security-policy')).toBeTruthy();
    }
    for (const path of [
      '/page/',
      '/page/../index.ts',
      '/page/%2e%2e/index.ts',
      '/page/..%2findex.ts',
      '//',
    ]) {
      expect((await sendVerbatim(open.url, 'GET', path)).status).toBe(404);
      expect((await sendVerbatim(keyed.url, 'GET', path)).status).toBe(401);
    }
  });

  test('what it is told of the gateway is told with a key only', async () => {
    expect((await keyed.send('GET', '/page/settings')).status).toBe(401);
    const { body } = await keyed.send('GET', '/page/settings', { headers: keyOf.acme });
    expect(body).toEqual({
      tenant: 'acme',
      has_keys: true,
      tasks: expect.arrayContaining(['enrich', 'prompt']),
      runs_url: 'http://127.0.0.1:8233/namespaces/default/workflows',
    });
    expect((await open.send('GET', '/page/settings')).body).toMatchObject({ tenant: null, has_keys: false });
  });

  test('an address of Temporal UI that is none is a fault of the configuration', () => {
    const env = { INFER_ONCE_TEMPORAL_UI_URL: 'javascript:alert(1)' };
    expect(() => loadConfig(env)).toThrow(/INFER_ONCE_TEMPORAL_UI_URL is no http or https URL/);
  });
});
