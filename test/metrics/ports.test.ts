import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { findFreePort } from '../../src/dev/temporal';
import { CliHarness, film, startCli } from '../cli/support';
import { startGateway } from '../gateway/support';
import { until } from '../support/until';
import { startWorld } from '../support/world';
import { scrapeUrl } from './support';

/** Takes a port, for a program that wants it. */
async function takePort(): Promise<{ port: number; free(): Promise<void> }> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as AddressInfo;
  return { port, free: () => new Promise((done) => server.close(() => done())) };
}

describe('a worker and a gateway of one machine tell what they did, on ports of their own', () => {
  const stack = new CliHarness();
  beforeAll(() => stack.start());
  afterAll(() => stack.stop());

  const env = (more: Record<string, string>) => ({ ...stack.stack.env, ...more });

  test('a worker serves its own, Node’s and the SDK’s metrics; so does a gateway', async () => {
    const [port, sdkPort, gatewayPort, gatewayMetrics] = await Promise.all(
      Array.from({ length: 4 }, findFreePort),
    );
    const worker = startCli(['worker'], {
      env: env({
        INFER_ONCE_TASK_QUEUE: 'counted',
        INFER_ONCE_METRICS_PORT: String(port),
        INFER_ONCE_SDK_METRICS_PORT: String(sdkPort),
      }),
    });
    const queue = env({ INFER_ONCE_TASK_QUEUE: 'counted' });
    expect((await stack.cli(['run', ...film('a', 'alien (1979)')], { env: queue })).code).toBe(0);
    const scrape = await scrapeUrl(`http://127.0.0.1:${port}/metrics`);
    expect(scrape.sum('infer_once_calls_billed_total')).toBe(stack.offline.billed('a'));
    expect(scrape.sum('infer_once_jobs', { status: 'COMPLETED' })).toBe(1);
    expect(scrape.sum('process_start_time_seconds')).toBeGreaterThan(0);
    expect(await (await fetch(`http://127.0.0.1:${port}/healthz`)).json()).toEqual({ status: 'ok' });
    const sdk = await (await fetch(`http://127.0.0.1:${sdkPort}/metrics`)).text();
    expect(sdk).toContain('temporal_activity_execution_latency_seconds');
    worker.process.kill('SIGTERM');
    expect((await worker.ended).code).toBe(0);

    const gateway = startCli(['gateway'], {
      env: env({
        INFER_ONCE_GATEWAY_PORT: String(gatewayPort),
        INFER_ONCE_METRICS_PORT: String(gatewayMetrics),
      }),
    });
    await gateway.line('stdout', 'ready');
    const body = JSON.stringify({ task: 'enrich', input: { title: 'alien (1979)' } });
    const headers = { 'content-type': 'application/json' };
    const url = `http://127.0.0.1:${gatewayPort}`;
    expect((await fetch(`${url}/v1/jobs/a`, { method: 'PUT', headers, body })).status).toBe(200);
    for (const address of [`${url}/metrics`, `http://127.0.0.1:${gatewayMetrics}/metrics`]) {
      expect((await scrapeUrl(address)).sum('infer_once_submissions_total', { outcome: 'replayed' })).toBe(1);
    }
    gateway.process.kill('SIGTERM');
    await gateway.ended;
  });

  test.each([
    ['worker', 'INFER_ONCE_METRICS_PORT', 'for metrics is in use'],
    ['worker', 'INFER_ONCE_SDK_METRICS_PORT', "for the Temporal SDK's metrics can't be listened on"],
    ['gateway', 'INFER_ONCE_METRICS_PORT', 'for metrics is in use'],
  ])('a %s whose port is taken says so in a sentence: %s', async (part, variable, fault) => {
    const { port, free } = await takePort();
    const said = await startCli([part], { env: env({ [variable]: String(port) }) }).ended;
    await free();
    expect(said.code).toBe(2);
    const sentences = said.stderr.split('\n').filter((line) => line.startsWith('infer-once: '));
    expect(sentences).toEqual([
      `infer-once: Port ${port} of 127.0.0.1 ${fault}; stop what listens there or set ${variable}.`,
    ]);
  });

  test('a port that is none is refused with the other faults', async () => {
    const wrong = { INFER_ONCE_METRICS_PORT: 'many', INFER_ONCE_SDK_METRICS_PORT: '70000' };
    const said = await startCli(['worker'], { env: env(wrong) }).ended;
    expect(said.code).toBe(2);
    expect(said.stderr).toMatch(/INFER_ONCE_METRICS_PORT is "many".*INFER_ONCE_SDK_METRICS_PORT is "70000"/);
  });
});

describe('who may read a gateway’s metrics', () => {
  test('on its own port everybody of this machine, and nobody once it has keys: they name every tenant’s tasks', async () => {
    const world = await startWorld();
    try {
      const open = await startGateway(world);
      await until('the metrics are served', async () => (await open.send('GET', '/metrics')).status === 200);
      await open.stop();
      const keyed = await startGateway(world, {
        env: { INFER_ONCE_GATEWAY_KEYS_FILE: '/nowhere/keys.json' },
      });
      const { status, body } = await keyed.send('GET', '/metrics');
      expect([401, 403]).toContain(status);
      expect(JSON.stringify(body)).not.toContain('infer_once_');
      await keyed.stop();
    } finally {
      await world.stop();
    }
  });
});
