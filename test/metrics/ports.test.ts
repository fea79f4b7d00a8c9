import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { billedCalls } from '../../src/dev/offline';
import { assertPortFree, findFreePort } from '../../src/dev/temporal';
import { CliHarness, film, type Running, startCli } from '../cli/support';
import { scrapeUrl } from './support';

/** Takes a port, for a program that wants it. */
async function takePort(): Promise<{ port: number; free(): Promise<void> }> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as AddressInfo;
  return { port, free: () => new Promise((done) => server.close(() => done())) };
}

/** The first of so many free ports in a row. */
async function findPortRow(count: number): Promise<number> {
  for (;;) {
    const first = await findFreePort();
    const row = Array.from({ length: count }, (_, i) => assertPortFree(first + i, 'a test', ''));
    if ((await Promise.allSettled(row)).every(({ status }) => status === 'fulfilled')) return first;
  }
}

const metricsAt = (port: number) => scrapeUrl(`http://127.0.0.1:${port}/metrics`);

async function put(url: string, id: string, title: string) {
  const body = JSON.stringify({ task: 'enrich', input: { title } });
  const headers = { 'content-type': 'application/json' };
  const { status } = await fetch(`${url}/v1/jobs/${id}?wait=30`, { method: 'PUT', headers, body });
  return status;
}

describe('a worker and a gateway of one machine tell what they did, on ports of their own', () => {
  const stack = new CliHarness();
  const running: Running[] = [];
  beforeAll(() => stack.start());
  afterAll(() => stack.stop());
  afterEach(async () => {
    for (const part of running) part.process.kill('SIGKILL');
    await Promise.all(running.map((part) => part.ended));
    running.length = 0;
  });

  const env = (more: Record<string, string | number>) => ({
    ...stack.stack.env,
    ...Object.fromEntries(Object.entries(more).map(([name, value]) => [name, String(value)])),
  });
  const start = (args: string[], more: Record<string, string | number>) => {
    const part = startCli(args, { cwd: stack.folder, env: env(more) });
    running.push(part);
    return part;
  };
  const stop = async (part: Running) => {
    part.process.kill('SIGTERM');
    expect((await part.ended).code).toBe(0);
  };

  test('a worker serves its own, Node’s and the SDK’s metrics', async () => {
    const [port, sdkPort] = [await findFreePort(), await findFreePort()];
    const queue = { INFER_ONCE_TASK_QUEUE: 'counted' };
    const ports = { INFER_ONCE_METRICS_PORT: port, INFER_ONCE_SDK_METRICS_PORT: sdkPort };
    const worker = start(['worker'], { ...queue, ...ports });
    expect((await stack.cli(['run', ...film('a', 'alien (1979)')], { env: env(queue) })).code).toBe(0);
    const scrape = await metricsAt(port);
    expect(stack.offline.billed('a')).toBe(1);
    expect(scrape.sum('infer_once_calls_billed_total')).toBe(1);
    expect(scrape.sum('infer_once_jobs', { status: 'COMPLETED' })).toBe(1);
    expect(scrape.sum('process_start_time_seconds')).toBeGreaterThan(0);
    expect(scrape.text).not.toMatch(/^# TYPE \S+_total gauge$/m);
    // what never happened is told as 0, so that its first time is growth
    for (const name of ['doubts', 'calls_recovered', 'calls_late']) {
      const counter = [`infer_once_${name}_total`, { task: 'prompt' }] as const;
      expect([name, scrape.has(...counter), scrape.sum(...counter)]).toEqual([name, true, 0]);
    }
    expect(await (await fetch(`http://127.0.0.1:${port}/healthz`)).json()).toEqual({ status: 'ok' });
    const sdk = await (await fetch(`http://127.0.0.1:${sdkPort}/metrics`)).text();
    expect(sdk).toContain('temporal_activity_execution_latency_seconds');
    await stop(worker);
  });

  test('a gateway serves its metrics beside the API as long as it has no keys, and on a port of their own', async () => {
    const [gatewayPort, port] = [await findFreePort(), await findFreePort()];
    const gateway = start(['gateway'], {
      INFER_ONCE_GATEWAY_PORT: gatewayPort,
      INFER_ONCE_METRICS_PORT: port,
    });
    await gateway.line('stdout', 'ready');
    const url = `http://127.0.0.1:${gatewayPort}`;
    for (const _ of ['first', 'again']) expect(await put(url, 'b', 'heat')).toBe(200);
    for (const scrape of [await metricsAt(gatewayPort), await metricsAt(port)]) {
      expect(scrape.sum('infer_once_submissions_total', { outcome: 'created' })).toBe(1);
      expect(scrape.sum('infer_once_submissions_total', { outcome: 'replayed' })).toBe(1);
    }
    expect(stack.offline.billed('b')).toBe(1);
    await stop(gateway);
  });

  test('with keys nobody reads them beside the API, no tenant either: they name every tenant’s tasks', async () => {
    const added = await stack.cli(['keys', 'add', 'acme', '--file', 'keys.json']);
    const { key } = JSON.parse(added.stdout) as { key: string };
    const [gatewayPort, port] = [await findFreePort(), await findFreePort()];
    const gateway = start(['gateway'], {
      INFER_ONCE_GATEWAY_PORT: gatewayPort,
      INFER_ONCE_METRICS_PORT: port,
      INFER_ONCE_GATEWAY_KEYS_FILE: join(stack.folder, 'keys.json'),
    });
    await gateway.line('stdout', 'ready');
    const url = `http://127.0.0.1:${gatewayPort}`;
    for (const authorization of [undefined, `Bearer ${key}`]) {
      const response = await fetch(`${url}/metrics`, { headers: authorization ? { authorization } : {} });
      expect(response.status).toBe(403);
      const text = await response.text();
      expect(text).toContain('INFER_ONCE_METRICS_PORT');
      expect(text).not.toContain('infer_once_');
    }
    const headers = { authorization: `Bearer ${key}` };
    expect((await fetch(`${url}/v1/jobs/none`, { headers })).status).toBe(404);
    const scrape = await metricsAt(port);
    const met = { route: '/v1/jobs/:job_id', status: '404' };
    expect(scrape.sum('infer_once_http_request_duration_seconds_count', met)).toBe(1);
    expect(scrape.text).not.toMatch(/acme/);
    await stop(gateway);
  });

  test('dev gives each of its processes a port, counted from the one that is named', async () => {
    const port = await findPortRow(3);
    const [temporal, gateway] = [await findFreePort(), await findFreePort()];
    const ports = ['--temporal-port', String(temporal), '--gateway-port', String(gateway)];
    const dev = startCli(['dev', '--headless', '--workers', '2', '--data-dir', 'dev', ...ports], {
      cwd: stack.folder,
      env: { INFER_ONCE_METRICS_PORT: String(port) },
    });
    running.push(dev);
    await dev.line('stdout', 'ready');
    const url = `http://127.0.0.1:${gateway}`;
    const ids = ['one', 'two', 'three', 'one'];
    for (const id of ids) expect(await put(url, id, `film ${id}`)).toBe(200);
    const workers = [await metricsAt(port), await metricsAt(port + 1)];
    const billed = workers.reduce((sum, scrape) => sum + scrape.sum('infer_once_calls_billed_total'), 0);
    const ledger = billedCalls(join(stack.folder, 'dev', 'offline-ledger.jsonl'));
    expect(Object.fromEntries(ledger)).toEqual({ one: 1, two: 1, three: 1 });
    expect(billed).toBe(3);
    for (const scrape of [await metricsAt(port + 2), await metricsAt(gateway)]) {
      expect(scrape.sum('infer_once_submissions_total', { outcome: 'created' })).toBe(3);
      expect(scrape.sum('infer_once_duplicates_avoided_total', { outcome: 'replayed' })).toBe(1);
    }
    await stop(dev);
  });

  test.each([
    ['worker', 'INFER_ONCE_METRICS_PORT', 'for metrics is in use'],
    ['worker', 'INFER_ONCE_SDK_METRICS_PORT', "for the Temporal SDK's metrics can't be listened on"],
    ['gateway', 'INFER_ONCE_METRICS_PORT', 'for metrics is in use'],
  ])('a %s whose port is taken says so in a sentence: %s', async (part, variable, fault) => {
    const { port, free } = await takePort();
    const said = await start([part], { [variable]: port }).ended;
    await free();
    expect(said.code).toBe(2);
    const sentences = said.stderr.split('\n').filter((line) => line.startsWith('infer-once: '));
    expect(sentences).toEqual([
      `infer-once: Port ${port} of 127.0.0.1 ${fault}; stop what listens there or set ${variable}.`,
    ]);
  });

  test('a port that is none is refused with the other faults', async () => {
    const wrong = { INFER_ONCE_METRICS_PORT: 'many', INFER_ONCE_SDK_METRICS_PORT: '70000' };
    const said = await start(['worker'], wrong).ended;
    expect(said.code).toBe(2);
    expect(said.stderr).toMatch(/INFER_ONCE_METRICS_PORT is "many".*INFER_ONCE_SDK_METRICS_PORT is "70000"/);
  });
});
