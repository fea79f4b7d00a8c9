import { Client, Connection } from '@temporalio/client';
import { clientsByTenant } from '../../src/gateway/run';
import { untilRun } from '../promises/support';
import { startWorld, type World } from '../support/world';
import { film, startGateway, type TestGateway } from './support';

describe('jobs over HTTP', () => {
  let world: World;
  let gateway: TestGateway;

  beforeAll(async () => {
    world = await startWorld();
    await world.addWorker();
    gateway = await startGateway(world);
  });

  afterAll(async () => {
    await gateway.stop();
    await world.stop();
  });

  afterEach(async () => {
    await world.model.rules();
    await world.model.release();
  });

  const put = (id: string, body: unknown = film('alien (1979)'), headers?: Record<string, string>) =>
    gateway.send('PUT', `/v1/jobs/${id}`, { body, headers });

  test('a submission answers at once with where to look, and a wait there gives the result', async () => {
    const { status, headers, body } = await put('at-once');
    expect({ status, location: headers.get('location'), created: body.created }).toEqual({
      status: 202,
      location: '/v1/jobs/at-once',
      created: true,
    });
    expect(headers.get('retry-after')).toBe('1');
    const read = await gateway.send('GET', `${headers.get('location')}?wait=30`);
    expect(read).toMatchObject({ status: 200, body: { status: 'COMPLETED', job_id: 'at-once' } });
    expect(read.body.result).toEqual({ normalized_title: 'Alien (1979)', category: 'Science Fiction' });
  });

  test('a client that prefers to wait is told so and gets the result in its one request', async () => {
    const { status, headers, body } = await put('prefers', film('heat (1995)'), { prefer: 'wait=30' });
    expect({ status, applied: headers.get('preference-applied') }).toEqual({
      status: 200,
      applied: 'wait=30',
    });
    expect(body).toMatchObject({ status: 'COMPLETED', created: true, replayed: false });
  });

  test('two clients PUT one job at once: one call, one answer', async () => {
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => put('at-once-8?wait=30', film('brazil (1985)'))),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    expect(new Set(answers.map(({ body }) => JSON.stringify(body.result))).size).toBe(1);
    expect(answers.filter(({ body }) => body.created)).toHaveLength(1);
    expect(await world.model.billed('at-once-8')).toBe(1);
  });

  test('a replay says so and costs no call', async () => {
    await put('twice?wait=30');
    const { status, headers, body } = await put('twice');
    expect({ status, replayed: headers.get('idempotent-replayed'), body: body.replayed }).toEqual({
      status: 200,
      replayed: 'true',
      body: true,
    });
    expect(await world.model.billed('twice')).toBe(1);
  });

  test('POST with an Idempotency-Key, quoted or bare, is the PUT of that id', async () => {
    const post = (key: string) =>
      gateway.send('POST', '/v1/jobs?wait=30', {
        body: film('alien (1979)'),
        headers: { 'idempotency-key': key },
      });
    const [bare, quoted] = [await post('posted'), await post('"posted"')];
    expect([bare.body.job_id, quoted.body.job_id]).toEqual(['posted', 'posted']);
    expect(quoted.headers.get('idempotent-replayed')).toBe('true');
    expect((await put('posted')).body.replayed).toBe(true);
    expect(await world.model.billed('posted')).toBe(1);
  });

  test('POST without an Idempotency-Key is refused', async () => {
    const { status, body } = await gateway.send('POST', '/v1/jobs', { body: film('alien (1979)') });
    expect({ status, code: body.code }).toEqual({ status: 400, code: 'idempotency_key_missing' });
  });

  test('another input under the same id: 422, and never the other answer', async () => {
    await put('mismatch?wait=30');
    const { status, headers, body } = await put('mismatch', film('heat (1995)'));
    expect({ status, code: body.code, job_id: body.job_id }).toEqual({
      status: 422,
      code: 'input_mismatch',
      job_id: 'mismatch',
    });
    expect(headers.get('content-type')).toMatch(/^application\/problem\+json/);
    expect(JSON.stringify(body)).not.toContain('Alien');
  });

  test('a client that leaves in mid-wait: the job goes on, and its next try joins it', async () => {
    await world.model.rules({ match: { job_id: 'leaver' }, do: { hold: true } });
    const left = new AbortController();
    const sent = gateway.send('PUT', '/v1/jobs/leaver?wait=60', {
      body: film('alien (1979)'),
      signal: left.signal,
    });
    await world.model.waitForHeld('leaver');
    left.abort();
    await expect(sent).rejects.toThrow();
    await world.model.release();
    expect((await put('leaver?wait=30')).body).toMatchObject({ status: 'COMPLETED', created: false });
    expect(await world.model.billed('leaver')).toBe(1);
  });

  test('a wait that is over answers 202 with the record as it is', async () => {
    await world.model.rules({ match: { job_id: 'slow' }, do: { hold: true } });
    expect(await put('slow?wait=1')).toMatchObject({ status: 202, body: { job_id: 'slow', created: true } });
  });

  test('FAILED is 200 and says so', async () => {
    await world.model.rules({ match: { job_id: 'fails' }, do: { status: 400 } });
    const { status, body } = await put('fails?wait=30');
    expect({ status, job: body.status, code: body.error.code }).toEqual({
      status: 200,
      job: 'FAILED',
      code: 'provider_rejected',
    });
  });

  test('a forgotten job: 410 to readers and submitters alike', async () => {
    await put('forget-me?wait=30');
    expect(await gateway.send('DELETE', '/v1/jobs/forget-me')).toMatchObject({
      status: 200,
      body: { status: 'FORGOTTEN', result: null },
    });
    for (const answer of [await put('forget-me'), await gateway.send('GET', '/v1/jobs/forget-me')]) {
      expect(answer).toMatchObject({ status: 410, body: { code: 'forgotten' } });
    }
  });

  describe('a job that is opened again shows its old end until its new run has claimed it', () => {
    let idle: TestGateway;
    let cut: TestGateway;
    beforeAll(async () => {
      const { client, store } = world;
      // no worker is there to claim
      idle = await startGateway(world, { jobs: clientsByTenant({ client, store, taskQueue: 'nobody' }) });
      const nobody = new Client({ connection: Connection.lazy({ address: '127.0.0.1:1' }) });
      cut = await startGateway(world, { jobs: clientsByTenant({ client: nobody, store }) });
    });
    afterAll(async () => {
      await idle.stop();
      await cut.stop();
    });

    async function failed(id: string, rule: object): Promise<void> {
      await world.model.rules({ match: { job_id: id }, do: rule });
      await put(`${id}?wait=30`);
      await untilRun(world, id, 'FAILED');
      await world.model.rules();
    }

    test.each([
      ['submitted again after a failure that cost nothing', 'again-free', { status: 400 }, 'PUT', ''],
      ['run again by retry', 'again-paid', { finish_reason: 'length' }, 'POST', '/retry'],
    ])(
      '%s: 202, and Location does not take the old end for the new one',
      async (_, id, rule, method, act) => {
        await failed(id, rule);
        const { token } = (await world.jobs.get(id))!;
        const body = method === 'PUT' ? film('alien (1979)') : undefined;
        const again = (query = '') => idle.send(method, `/v1/jobs/${id}${act}${query}`, { body });
        const first = await again();
        const location = `/v1/jobs/${id}?after=${token}`;
        expect([first.status, first.body.status]).toEqual([202, 'FAILED']);
        expect(first.headers.get('location')).toBe(location);
        expect((await again('?wait=1')).status).toBe(202);
        for (const query of ['', '&wait=1']) {
          expect((await idle.send('GET', location + query)).status).toBe(202);
        }
        // the record itself is what it is
        expect(await idle.send('GET', `/v1/jobs/${id}`)).toMatchObject({ status: 200, body: { token } });
        // a run that ends without a claim leaves the old end as the answer
        await world.client.workflow.getHandle(id).terminate();
        expect((await idle.send('GET', location)).status).toBe(200);
        expect((await gateway.send('POST', `/v1/jobs/${id}/retry?wait=30`)).body.status).toBe('COMPLETED');
        expect(await idle.send('GET', location)).toMatchObject({
          status: 200,
          body: { status: 'COMPLETED' },
        });
      },
    );

    test('a settled job is read without Temporal', async () => {
      await failed('settled', { status: 400 });
      for (const query of ['', '?wait=30', '?after=0', '?after=0&wait=30']) {
        const read = await cut.send('GET', `/v1/jobs/settled${query}`);
        expect([query, read.status, read.body.status]).toEqual([query, 200, 'FAILED']);
      }
    });
  });

  test('what nobody submitted is 404', async () => {
    for (const path of ['/v1/jobs/nobody', '/v1/jobs/nobody?wait=1']) {
      expect(await gateway.send('GET', path)).toMatchObject({ status: 404, body: { code: 'not_found' } });
    }
  });
});
