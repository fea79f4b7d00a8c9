import { connect } from 'node:net';
import { findFreePort } from '../../src/dev/temporal';
import { UnreachableError } from '../../src/errors';
import { findKey, makeKey } from '../../src/gateway/keys/key';
import { clientsByTenant, reachTemporal } from '../../src/gateway/run';
import { openMemoryStore } from '../../src/store/memory';
import { until } from '../support/until';
import { startWorld, type World } from '../support/world';
import { film, startGateway, type TestGateway } from './support';

describe('the gateway as a server', () => {
  let world: World;
  let gateway: TestGateway;

  beforeAll(async () => {
    world = await startWorld({ server: 'dev' });
    await world.addWorker();
    gateway = await startGateway(world);
  });

  afterAll(async () => {
    await gateway.stop();
    await world.stop();
  });

  const put = (id: string, body: unknown, headers?: Record<string, string>) =>
    gateway.send('PUT', `/v1/jobs/${id}`, { body, headers });

  test.each([
    ['an id that breaks the grammar', 'a%20b', film('x'), 'invalid_job_id'],
    ['an id that is too long', 'a'.repeat(256), film('x'), 'invalid_job_id'],
    ['a task that is not known', 'x', { task: 'nope', input: 1 }, 'unknown_task'],
    ['no input', 'x', { task: 'enrich' }, 'validation'],
    ['a field that is not known', 'x', { ...film('x'), model: 'm' }, 'validation'],
    ['an integer beyond 2^53', 'x', '{"task": "enrich", "input": 9007199254740993}', 'invalid_input'],
    ['a lone surrogate', 'x', '{"task": "enrich", "input": "\\ud800"}', 'invalid_input'],
    ['a key twice', 'x', '{"task": "enrich", "input": {"a": 1, "a": 1}}', 'invalid_json'],
    ['what is no JSON', 'x', '{"task"', 'invalid_json'],
    ['too many values', 'x', { task: 'enrich', input: Array(200_001).fill(0) }, 'invalid_input'],
    ['far too many values', 'x', { task: 'enrich', input: Array(1_500_000).fill(0) }, 'invalid_json'],
    ['a wait beyond the limit', 'x?wait=601', film('x'), 'validation'],
    ['a wait that is no number', 'x?wait=', film('x'), 'validation'],
  ])('%s is refused with a problem document: 400', async (_, id, body, code) => {
    const answer = await put(id, body);
    expect(answer).toMatchObject({ status: 400, body: { status: 400, code } });
    expect(answer.body.type).toBe(`urn:infer-once:problem:${code}`);
    expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json/);
  });

  test('a body over the limit: 413, and one of another type: 415', async () => {
    const large = JSON.stringify({ task: 'enrich', input: 'x'.repeat(21 * 1024 * 1024) });
    expect(await put('large', large)).toMatchObject({ status: 413, body: { code: 'too_large' } });
    for (const type of ['text/plain', 'application/json; charset=latin1']) {
      expect((await put('x', '{}', { 'content-type': type })).status).toBe(415);
    }
  });

  /** Writes to a connection of its own; resolves with what it was told when the gateway ends it. */
  const sendRaw = (text: string) => {
    const socket = connect(Number(new URL(gateway.url).port), '127.0.0.1', () => socket.write(text));
    return new Promise<string>((done) => {
      let said = '';
      socket.on('data', (chunk) => {
        said += chunk;
      });
      socket.on('error', () => undefined).on('close', () => done(said));
    });
  };

  test.each([
    [
      'headers without end',
      `GET /healthz HTTP/1.1\r\nx: ${'x'.repeat(64_000)}\r\n\r\n`,
      431,
      'headers_too_large',
    ],
    ['what is no HTTP', 'nonsense\r\n\r\n', 400, 'no_http'],
  ])('%s is told so and ends the connection', async (_, text, status, code) => {
    const [head, body] = (await sendRaw(text)).split('\r\n\r\n');
    expect(head).toMatch(new RegExp(`^HTTP/1.1 ${status} .*application/problem\\+json`, 's'));
    expect(JSON.parse(body!)).toMatchObject({ status, code });
  });

  test('a client that never ends its headers is shown out, and nobody else waits for it', async () => {
    const slow = sendRaw('GET /v1/jobs HTTP/1.1\r\nHost: localhost\r\nx-slow: ');
    expect((await gateway.send('GET', '/v1/jobs')).status).toBe(200);
    expect(await slow).toMatch(/^HTTP\/1.1 408 .*request_timeout/s);
  }, 60_000);

  test('a path has the methods that it says: 405 names them', async () => {
    const { status, headers, body } = await gateway.send('PATCH', '/v1/jobs/x');
    expect({ status, code: body.code }).toEqual({ status: 405, code: 'method_not_allowed' });
    expect(headers.get('allow')).toBe('PUT, GET, HEAD, DELETE');
    for (const [path, allow] of [
      ['/v1/jobs/x/events', 'GET'],
      ['/metrics', 'GET, HEAD'],
    ] as const) {
      const other = await gateway.send('POST', path, { body: {} });
      expect([other.status, other.headers.get('allow')]).toEqual([405, allow]);
    }
  });

  test.each([
    ['GET', '/v1/chat/completions', 'POST'],
    ['PUT', '/v1/responses', 'POST'],
    ['DELETE', '/v1/embeddings', 'POST'],
    ['POST', '/v1/models', 'GET, HEAD'],
    ['PATCH', '/v1/models/m', 'GET, HEAD'],
  ])("so have OpenAI's, in OpenAI's shape: %s %s", async (method, path, allow) => {
    const { status, headers, body } = await gateway.send(method, path);
    expect([status, headers.get('allow')]).toEqual([405, allow]);
    expect(body).toEqual({
      error: {
        message: `This path takes ${allow}.`,
        type: 'invalid_request_error',
        param: null,
        code: 'method_not_allowed',
      },
    });
  });

  test('an act that the state of a job does not allow: 409 with its record', async () => {
    await put('done?wait=30', film('heat (1995)'));
    const body = { action: 'rerun', doubt: 1 };
    expect(await gateway.send('POST', '/v1/jobs/done/resolve', { body })).toMatchObject({
      status: 409,
      body: { code: 'wrong_state', job_id: 'done', record: { status: 'COMPLETED' } },
    });
  });

  test('a canceled job is run again by retry, and answers', async () => {
    await world.model.rules({ match: { job_id: 'again' }, times: 1, do: { hold: true } });
    await put('again', film('heat (1995)'));
    await world.model.waitForHeld('again');
    expect((await gateway.send('POST', '/v1/jobs/again/cancel')).body.status).toBe('CANCELED');
    await world.model.release();
    // a submission is answered by the record: it may have been paid for
    expect(await put('again', film('heat (1995)'))).toMatchObject({
      status: 200,
      body: { status: 'CANCELED', replayed: true },
    });
    const { status, body } = await gateway.send('POST', '/v1/jobs/again/retry?wait=30');
    expect({ status, job: body.status }).toEqual({ status: 200, job: 'COMPLETED' });
  });

  test('a gateway that stops answers who waits with where to look; the job goes on', async () => {
    await world.model.rules({ match: { job_id: 'stopped' }, do: { hold: true } });
    const other = await startGateway(world);
    const waiting = other.send('PUT', '/v1/jobs/stopped?wait=60', { body: film('heat (1995)') });
    await world.model.waitForHeld('stopped');
    await other.stop();
    const { status, headers } = await waiting;
    expect({ status, location: headers.get('location') }).toEqual({
      status: 202,
      location: '/v1/jobs/stopped',
    });
    await world.model.release();
    expect((await put('stopped?wait=30', film('heat (1995)'))).body.status).toBe('COMPLETED');
    expect(await world.model.billed('stopped')).toBe(1);
  });

  test('past the cap of those who wait: 503 with Retry-After; the job goes on, and nobody else is disturbed', async () => {
    await world.model.rules({ match: { job_id: 'crowded' }, do: { hold: true } });
    const small = await startGateway(world, { env: { INFER_ONCE_GATEWAY_MAX_WAITING: '2' } });
    const body = film('heat (1995)');
    const ask = (id: string) => small.send('PUT', `/v1/jobs/${id}?wait=60`, { body });
    const leave = new AbortController();
    const first = ask('crowded');
    await until('one waits', async () => small.app.waiting.now === 1);
    const second = small.send('GET', '/v1/jobs/crowded/events', { signal: leave.signal });
    second.catch(() => undefined);
    await until('two wait', async () => small.app.waiting.now === 2);
    for (const refused of [await ask('crowded'), await ask('late')]) {
      expect(refused).toMatchObject({ status: 503, body: { code: 'too_many_waiting' } });
      expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    }
    const openai = await small.send('POST', '/v1/chat/completions', {
      body: { model: 'gpt-6-luna', messages: [{ role: 'user', content: 'Who are you?' }] },
      headers: { 'idempotency-key': 'crowded-too' },
    });
    expect(openai).toMatchObject({ status: 503, body: { error: { code: 'too_many_waiting' } } });
    expect(openai.headers.get('x-should-retry')).toBeNull();
    // what asks without waiting is answered, and so is a replay
    expect((await small.send('GET', '/v1/jobs/crowded')).status).toBe(202);
    leave.abort();
    await until('one left', async () => small.app.waiting.now === 1);
    expect((await ask('late')).body).toMatchObject({ status: 'COMPLETED' });
    await world.model.release();
    expect((await first).body).toMatchObject({ status: 'COMPLETED' });
    expect([await world.model.billed('crowded'), await world.model.billed('late')]).toEqual([1, 1]);
    expect(small.app.waiting.now).toBe(0);
    await small.stop();
  });

  test('a tenant holds no more places among those who wait than its max_waiting, whichever of its keys asks', async () => {
    await world.model.rules({ do: { hold: true } });
    const made = ['patient', 'patient', 'other'].map((tenant) =>
      makeKey(tenant, new Date(), tenant === 'patient' ? { max_waiting: 1 } : undefined),
    );
    const entries = new Map(made.map(({ entry }) => [entry.id, entry]));
    const shared = await startGateway(world, { keys: { find: (key) => findKey(entries, key) } });
    const [first, second, other] = made.map(({ key }) => (path: string) => {
      const headers = { authorization: `Bearer ${key}` };
      return shared.send('PUT', path, { body: film('heat (1995)'), headers });
    });
    const waits = [first!('/v1/jobs/shared?wait=60')];
    await until('one waits', async () => shared.app.waiting.now === 1);
    const refused = await second!('/v1/jobs/shared?wait=60');
    expect(refused).toMatchObject({ status: 429, body: { code: 'too_many_waiting' } });
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    // what asks without waiting is answered, and another tenant may wait
    expect((await second!('/v1/jobs/shared')).status).toBe(202);
    waits.push(other!('/v1/jobs/shared?wait=60'));
    await until('the other waits too', async () => shared.app.waiting.now === 2);
    await world.model.rules();
    await world.model.release();
    for (const { body } of await Promise.all(waits)) expect(body.status).toBe('COMPLETED');
    expect(shared.app.waiting).toMatchObject({ now: 0, byTenant: new Map() });
    await shared.stop();
  });

  test('the description names the routes of jobs and of OpenAI, and the page needs no other host', async () => {
    const { body } = await gateway.send('GET', '/openapi.json');
    expect(body.openapi).toBe('3.1.0');
    expect(Object.keys(body.paths)).toEqual(
      expect.arrayContaining([
        '/v1/jobs',
        '/v1/jobs/{job_id}',
        '/v1/stats',
        '/readyz',
        '/v1/chat/completions',
        '/metrics',
      ]),
    );
    expect(Object.keys(body.paths)).not.toContain('/page/settings');
    const { responses } = body.paths['/v1/jobs/{job_id}/events'].get;
    expect(responses).toMatchObject({ 204: {}, 404: {}, 410: {} });
    expect(Object.keys(responses[200].content)).toEqual(['text/event-stream']);
    expect(responses[204].content).toBeUndefined();
    const page = await gateway.send('GET', '/docs');
    expect(page.status).toBe(200);
    expect(page.body).not.toMatch(/(src|href)="(https?:)?\/\//);
  });
});

describe('while a part is away', () => {
  test('Temporal: 503 with Retry-After, /readyz names it, and what is on record is told', async () => {
    const world = await startWorld();
    await world.addWorker();
    await world.jobs.run({ job_id: 'known', ...film('heat (1995)') }, { timeoutMs: 30_000 });
    const away = () => Promise.reject(new UnreachableError('temporal', 'Temporal does not answer.'));
    const { Client, Connection } = await import('@temporalio/client');
    const address = `127.0.0.1:${await findFreePort()}`;
    // without its retries, which go on after the connection is closed and then throw out of a timer
    const connection = Connection.lazy({ address, interceptors: [] });
    const client = new Client({ connection });
    const gateway = await startGateway(world, {
      jobs: clientsByTenant({ client, store: world.store }),
      reachTemporal: away,
    });
    const { status, headers, body } = await gateway.send('PUT', '/v1/jobs/new', { body: film('x') });
    expect({ status, code: body.code, after: headers.get('retry-after') }).toEqual({
      status: 503,
      code: 'unreachable',
      after: '5',
    });
    expect(await gateway.send('GET', '/readyz')).toMatchObject({ status: 503, body: { away: ['temporal'] } });
    expect((await gateway.send('GET', '/healthz')).status).toBe(200);
    const known = await gateway.send('PUT', '/v1/jobs/known', { body: film('heat (1995)') });
    expect(known).toMatchObject({ status: 200, body: { replayed: true } });
    await gateway.stop();
    await connection.close();
    await world.stop();
  });

  test('the store: 503 with Retry-After, and /readyz names it', async () => {
    const world = await startWorld();
    const store = openMemoryStore();
    await store.close();
    const gateway = await startGateway(world, {
      store,
      jobs: clientsByTenant({ client: world.client, store }),
      reachTemporal: () => reachTemporal(world.client, world.address),
    });
    const { status, headers } = await gateway.send('GET', '/v1/jobs/x');
    expect({ status, after: headers.get('retry-after') }).toEqual({ status: 503, after: '5' });
    expect(await gateway.send('GET', '/readyz')).toMatchObject({ status: 503, body: { away: ['store'] } });
    await gateway.stop();
    await world.stop();
  });
});
