import { type DevServer, findFreePort, startDevServer } from '../../src/dev/temporal';
import { type Running, startCli } from '../cli/support';
import { type PostgresServer, startPostgres } from '../support/postgres-server';
import { until } from '../support/until';
import { film, send } from './support';

/** Programs and servers are started and killed, on whatever else the machine does. */
jest.setTimeout(180_000);

describe('a gateway in a process of its own', () => {
  let postgres: PostgresServer;
  let temporal: DevServer;
  let gateway: Running;
  let url: string;
  let storeUrl: string;
  let logged = '';

  beforeAll(async () => {
    postgres = await startPostgres();
    temporal = await startDevServer({
      port: await findFreePort(),
      uiPort: await findFreePort(),
      headless: true,
    });
    const port = await findFreePort();
    storeUrl = await postgres.createDatabase();
    const env = {
      TEMPORAL_ADDRESS: temporal.address,
      INFER_ONCE_STORE_URL: storeUrl,
      INFER_ONCE_GATEWAY_PORT: String(port),
      INFER_ONCE_SHUTDOWN_GRACE: '2s',
      OPENAI_BASE_URL: 'http://127.0.0.1:1/v1',
    };
    url = `http://127.0.0.1:${port}`;
    gateway = startCli(['gateway'], { cwd: '/', env });
    for (const stream of ['stdout', 'stderr'] as const) {
      gateway.process[stream]!.on('data', (text: string) => {
        logged += text;
      });
    }
    await gateway.line('stdout', 'ready');
  });
  afterAll(async () => {
    gateway.process.kill('SIGKILL');
    await gateway.ended;
    await temporal.stop();
    await postgres.stop();
  });

  test('outlives its store: 503 with Retry-After meanwhile, and what it had acknowledged is there again', async () => {
    const put = (id: string) => send(url, 'PUT', `/v1/jobs/${id}`, { body: film('heat (1995)') });
    expect(await put('acknowledged')).toMatchObject({ status: 202, body: { created: true } });
    await postgres.kill();
    // asked often, as probes do, with one part away and the other there
    for (let asked = 0; asked < 5; asked += 1) {
      expect(await send(url, 'GET', '/readyz')).toMatchObject({ status: 503, body: { away: ['store'] } });
    }
    const refused = await put('while-away');
    expect(refused).toMatchObject({ status: 503, body: { code: 'unreachable' } });
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(JSON.stringify(refused.body)).not.toContain('    at ');
    // where the store is, is its operator's to know, who finds it in the log
    const where = new URL(storeUrl).host;
    expect(JSON.stringify(refused.body)).not.toContain(where);
    await until('it is logged', async () => logged.includes(where));
    expect((await send(url, 'GET', '/healthz')).status).toBe(200);
    await postgres.start();
    await until('the store is back', async () => (await send(url, 'GET', '/readyz')).status === 200);
    expect((await send(url, 'GET', '/v1/jobs/acknowledged')).body).toMatchObject({ status: 'PENDING' });
    expect(await put('acknowledged')).toMatchObject({ status: 202, body: { created: false } });
    expect(gateway.process.exitCode).toBeNull();
  });

  test('answers each act in time while Temporal hangs, a cancel too, and goes on', async () => {
    expect((await send(url, 'PUT', '/v1/jobs/hangs', { body: film('heat (1995)') })).status).toBe(202);
    process.kill(temporal.pid, 'SIGSTOP');
    try {
      const acts = [
        send(url, 'POST', '/v1/jobs/hangs/cancel?wait=1'),
        send(url, 'PUT', '/v1/jobs/other', { body: film('heat (1995)') }),
      ];
      for (const answer of await Promise.all(acts)) {
        expect(answer).toMatchObject({ status: 503, body: { code: 'unreachable' } });
        expect(answer.headers.get('retry-after')).not.toBeNull();
      }
    } finally {
      process.kill(temporal.pid, 'SIGCONT');
    }
    const canceled = await until('Temporal is back', async () => {
      const answer = await send(url, 'POST', '/v1/jobs/hangs/cancel?wait=1');
      return answer.status < 500 && answer;
    });
    expect(canceled.body.job_id).toBe('hangs');
  });
});
