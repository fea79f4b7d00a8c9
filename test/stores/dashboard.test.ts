import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Submission } from '../../src';
import { clientsByTenant } from '../../src/gateway/run';
import { addStoreGauges, countSubmission, createMetrics, MeteredStore } from '../../src/metrics';
import { startAtZero } from '../../src/metrics/start-at-zero';
import { film, startGateway, type TestGateway } from '../gateway/support';
import { type ServedMetrics, startServedMetrics } from '../metrics/support';
import { losingAnswers } from '../promises/support';
import { type PrometheusServer, startPrometheus } from '../support/prometheus-server';
import { until } from '../support/until';
import { startWorld, type World } from '../support/world';

interface Panel {
  title: string;
  targets?: { expr: string }[];
}

const { panels } = JSON.parse(readFileSync(join(__dirname, '../../docs/grafana.json'), 'utf8')) as {
  panels: Panel[];
};
/** A query with Grafana's variables filled in. */
const filled = (expr: string) =>
  expr.replaceAll('$__range', '1m').replaceAll('$__rate_interval', '1m').replaceAll('$task', '.*');
const QUERIES = panels.flatMap(({ title, targets = [] }) =>
  targets.map(({ expr }) => [title, filled(expr)] as const),
);
describe('the Grafana dashboard, asked of a real Prometheus that scrapes a worker and a gateway', () => {
  let world: World;
  let worker: ServedMetrics;
  let gateway: TestGateway;
  let prometheus: PrometheusServer;

  beforeAll(async () => {
    world = await startWorld({ server: 'dev' });
    worker = await startServedMetrics();
    addStoreGauges(worker.metrics, world.store, { freshMs: 0 });
    await world.addWorker({ metrics: worker.metrics });
    const metrics = createMetrics();
    // as both do by themselves
    for (const part of [metrics, worker.metrics]) startAtZero(part, ['enrich']);
    const store = new MeteredStore(world.store, metrics);
    const onSubmission = (told: Submission) => countSubmission(metrics, told);
    const jobs = clientsByTenant({ client: world.client, store, onSubmission });
    gateway = await startGateway(world, { jobs, metrics });
    prometheus = await startPrometheus([worker.server.url, gateway.url].map((url) => new URL(url).host));
  });
  afterAll(async () => {
    await prometheus.stop();
    await gateway.stop();
    await worker.server.close();
    await world.stop();
  });

  const put = (id: string) => gateway.send('PUT', `/v1/jobs/${id}?wait=60`, { body: film(`film ${id}`) });
  const latest = async (expr: string) => (await prometheus.query(filled(expr)))[0]?.value ?? Number.NaN;

  test('every query is understood, and shows what has happened', async () => {
    // a counter has to be seen before it grows
    await put('first');
    await until('both are scraped', async () => (await prometheus.query('up == 1')).length === 2);
    await until('the first is scraped', async () => (await latest('infer_once_calls_billed_total')) === 1);
    for (const id of ['second', 'third', 'third']) await put(id);
    await world.model.rules(losingAnswers('lost'));
    await put('lost');
    await world.model.rules({
      match: { job_id: 'refused' },
      do: { status: 429, headers: { 'retry-after': '1' } },
      times: 1,
    });
    await put('refused');
    expect(world.model.billed()).toBe(5);

    const billed = 'sum(infer_once_calls_billed_total)';
    await until('all is scraped', async () => (await latest(billed)) === world.model.billed());
    for (const [title, expr] of QUERIES) {
      // what never happened has no samples, and so no answer
      const [name] = expr.match(/infer_once_[a-z_]+/)!;
      const happened = (await prometheus.query(name)).length > 0;
      await until(title, async () => (await prometheus.query(expr)).length > 0 || !happened);
    }
    const shown = (title: string) => latest(QUERIES.find(([of]) => of === title)![1]);
    expect(await shown('Calls billed')).toBeGreaterThan(0);
    expect(await shown('Duplicates avoided')).toBeGreaterThan(0);
    expect(await shown('In doubt now')).toBe(0);
  });
});
