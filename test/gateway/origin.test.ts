import { connect } from 'node:net';
import { startWorld, type World } from '../support/world';
import { film, keysOf, startGateway, type TestGateway } from './support';

const { keys, headers: keyOf } = keysOf('acme');
const KEY = keyOf.acme!.authorization;

interface RawAnswer {
  status: number;
  type: string;
  // biome-ignore lint/suspicious/noExplicitAny: a test says itself what it expects there
  body: any;
}

/** One request as its bytes: `fetch` sends no Host or Origin of a test's choice. */
function raw(url: string, request: string, headers: string[], body = ''): Promise<RawAnswer> {
  const text = [`${request} HTTP/1.1`, ...headers, `content-length: ${body.length}`, 'connection: close', ''];
  const socket = connect(Number(new URL(url).port), '127.0.0.1', () =>
    socket.write(`${text.join('\r\n')}\r\n${body}`),
  );
  return new Promise((done, failed) => {
    let said = '';
    socket.setEncoding('utf8').on('data', (chunk) => {
      said += chunk;
    });
    socket.on('error', failed).on('close', () => {
      const [head = '', json = ''] = said.split('\r\n\r\n');
      const type = /^content-type: ([^;\r\n]*)/im.exec(head)?.[1] ?? '';
      done({ status: Number(head.split(' ')[1]), type, body: /json/.test(type) ? JSON.parse(json) : json });
    });
  });
}

describe('a web page of another origin', () => {
  let world: World;
  let open: TestGateway;
  let keyed: TestGateway;
  let port: string;

  beforeAll(async () => {
    world = await startWorld();
    await world.addWorker();
    open = await startGateway(world);
    keyed = await startGateway(world, { keys });
    ({ port } = new URL(open.url));
  });

  afterAll(async () => {
    await open.stop();
    await keyed.stop();
    await world.stop();
  });

  const json = 'content-type: application/json';

  test.each([
    ['another site', ['origin: https://evil.example']],
    ['another port of this machine', ['origin: http://127.0.0.1:1']],
    ['the same port by another name', ['origin: http://localhost:PORT']],
    ['a sandboxed frame or a file', ['origin: null']],
    ['an extension', ['origin: chrome-extension://abcdef']],
    ['two origins', ['origin: http://127.0.0.1:PORT', 'origin: https://evil.example']],
    ['an empty origin', ['origin: ']],
    ['a site that sends no origin', ['sec-fetch-site: cross-site', 'sec-fetch-mode: no-cors']],
    ['another port that sends no origin', ['sec-fetch-site: same-site', 'sec-fetch-mode: no-cors']],
    [
      'a form that navigates',
      ['sec-fetch-site: cross-site', 'sec-fetch-mode: navigate', 'sec-fetch-dest: document'],
    ],
  ])('%s acts on no job: 403', async (_, headers) => {
    const sent = ['host: 127.0.0.1:PORT', ...headers].map((line) => line.replace('PORT', port));
    const body = JSON.stringify(film('heat (1995)'));
    const put = await raw(open.url, 'PUT /v1/jobs/theirs', [...sent, json], body);
    expect(put).toMatchObject({ status: 403, type: 'application/problem+json' });
    expect(put.body).toMatchObject({ code: 'foreign_origin', type: 'urn:infer-once:problem:foreign_origin' });
    for (const act of [
      'POST /v1/jobs/x/retry',
      'POST /v1/jobs/x/cancel',
      'DELETE /v1/jobs/x',
      'GET /v1/jobs',
    ]) {
      expect((await raw(open.url, act, sent)).status).toBe(403);
    }
    expect(await world.jobs.get('theirs')).toBeNull();
  });

  test('OpenAI routes refuse it in their own shape, with and without a key of the caller', async () => {
    const request = JSON.stringify({ model: 'm', messages: [{ role: 'user', content: 'x' }] });
    const headers = ['host: 127.0.0.1', 'origin: https://evil.example', json, `authorization: ${KEY}`];
    for (const { url } of [open, keyed]) {
      const answer = await raw(url, 'POST /v1/chat/completions', headers, request);
      expect(answer).toMatchObject({ status: 403, type: 'application/json' });
      expect(answer.body.error).toMatchObject({ code: 'foreign_origin', type: 'invalid_request_error' });
    }
    expect(world.model.billed()).toBe(0);
  });

  test("the gateway's own page, a program and a followed link to a public page are let through", async () => {
    const host = `host: 127.0.0.1:${port}`;
    const own = [host, `origin: http://127.0.0.1:${port}`, 'sec-fetch-site: same-origin'];
    expect((await raw(open.url, 'GET /v1/jobs', own)).status).toBe(200);
    expect((await raw(open.url, 'GET /v1/jobs', [host])).status).toBe(200);
    expect((await raw(open.url, 'GET /v1/jobs', [host, 'sec-fetch-site: none'])).status).toBe(200);
    const link = ['sec-fetch-site: cross-site', 'sec-fetch-mode: navigate', 'sec-fetch-dest: document'];
    expect((await raw(open.url, 'GET /healthz', [host, ...link])).status).toBe(200);
    const framed = [...link.slice(0, 2), 'sec-fetch-dest: iframe'];
    expect((await raw(open.url, 'GET /healthz', [host, ...framed])).status).toBe(403);
    // behind a proxy that ends TLS and keeps the name
    for (const name of ['jobs.example', 'JOBS.example', 'jobs.example:443']) {
      const proxied = [`host: ${name}`, 'origin: https://jobs.example', `authorization: ${KEY}`];
      expect((await raw(keyed.url, 'GET /v1/jobs', proxied)).status).toBe(200);
    }
    const other = ['host: jobs.example', 'origin: https://jobs.example:8443', `authorization: ${KEY}`];
    expect((await raw(keyed.url, 'GET /v1/jobs', other)).status).toBe(403);
  });

  test.each([
    ['a name that points here', 'evil.example'],
    ['one with our port', 'evil.example:PORT'],
    ['one that begins like ours', 'localhost.evil.example'],
    ['one that ends like ours', 'evil-localhost'],
    ['an address in a name', '127.0.0.1.evil.example'],
    ['an address of another machine', '192.0.2.1:PORT'],
    ['a user in front', 'localhost@evil.example'],
    ['no name', ''],
  ])('DNS rebinding, %s: 421 without keys, and the name is free with them', async (_, name) => {
    const host = `host: ${name.replace('PORT', port)}`;
    const answer = await raw(open.url, 'GET /v1/jobs', [host]);
    expect(answer).toMatchObject({ status: 421, body: { code: 'foreign_host' } });
    expect((await raw(open.url, 'GET /healthz', [host])).status).toBe(421);
    const models = await raw(open.url, 'GET /v1/models', [host]);
    expect(models).toMatchObject({ status: 421, body: { error: { code: 'foreign_host' } } });
    expect((await raw(keyed.url, 'GET /v1/jobs', [host, `authorization: ${KEY}`])).status).toBe(200);
  });

  test('the page of a rebound name has our Origin by its own account, and is refused all the same', async () => {
    const headers = ['host: evil.example', 'origin: http://evil.example', 'sec-fetch-site: same-origin'];
    expect((await raw(open.url, 'POST /v1/jobs/x/retry', headers)).status).toBe(421);
  });

  test.each(['127.0.0.1', '127.0.0.1:1', 'localhost', 'LOCALHOST:PORT', '[::1]', '[::1]:PORT', '127.8.8.8'])(
    '%s is a loopback name',
    async (name) => {
      const answer = await raw(open.url, 'GET /v1/jobs', [`host: ${name.replace('PORT', port)}`]);
      expect(answer.status).toBe(200);
    },
  );
});
