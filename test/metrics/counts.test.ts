import { InputMismatchError, JobForgottenError, type Submission } from '../../src';
import { JobClient } from '../../src/client';
import { clientsByTenant } from '../../src/gateway/run';
import type { JobRecord } from '../../src/job';
import { addStoreGauges, countSubmission, createMetrics, MeteredStore } from '../../src/metrics';
import type { StatsRow } from '../../src/store/store';
import { film, startGateway, type TestGateway } from '../gateway/support';
import { enrichJob, errorOf, losingAnswers, untilStatus } from '../promises/support';
import { until } from '../support/until';
import { startWorld, type World } from '../support/world';
import { type ServedMetrics, scrapeUrl, startServedMetrics } from './support';

describe('what /metrics says is what happened', () => {
  let world: World;
  let worker: ServedMetrics;
  let gateway: TestGateway;
  const scrapeGateway = () => scrapeUrl(`${gateway.url}/metrics`);

  beforeAll(async () => {
    // the time-skipping server keeps a worker's poll after a cancel
    world = await startWorld({ server: 'dev' });
    worker = await startServedMetrics();
    addStoreGauges(worker.metrics, world.store, { freshMs: 0 });
    await world.addWorker({ metrics: worker.metrics });
    const metrics = createMetrics();
    const { client } = world;
    const store = new MeteredStore(world.store, metrics);
    const onSubmission = (told: Submission) => countSubmission(metrics, told);
    gateway = await startGateway(world, {
      jobs: clientsByTenant({ client, store, onSubmission }),
      metrics,
    });
  });
  afterAll(async () => {
    await gateway.stop();
    await worker.server.close();
    await world.stop();
  });
  afterEach(() => world.model.rules());

  const put = (id: string, title: string, wait = '?wait=30') =>
    gateway.send('PUT', `/v1/jobs/${id}${wait}`, { body: film(title) });

  test('calls billed are those of the ledger; tokens and cost are those of the records', async () => {
    const records = await Promise.all(
      ['one', 'two', 'three'].map(async (id) => (await put(id, `film ${id}`)).body),
    );
    await world.model.rules({ match: { job_id: 'cut' }, do: { finish_reason: 'length' } });
    records.push((await put('cut', 'a long film')).body);
    await world.model.rules(losingAnswers('lost'));
    records.push((await put('lost', 'a lost film')).body);
    await world.model.rules({ match: { job_id: 'refused' }, do: { status: 400 } });
    expect((await put('refused', 'a refused film')).body.billed).toBe('no');

    const scrape = await worker.scrape();
    const billed = scrape.sum('infer_once_calls_billed_total', { task: 'enrich' });
    expect(world.model.billed()).toBe(5);
    expect(billed).toBe(world.model.billed());
    expect(scrape.sum('infer_once_calls_claimed_total')).toBe(6);
    expect(scrape.sum('infer_once_calls_recovered_total')).toBe(1);
    expect(scrape.sum('infer_once_calls_refused_total', { reason: 'rejected' })).toBe(1);
    expect(scrape.sum('infer_once_provider_call_duration_seconds_count', { outcome: 'answered' })).toBe(3);
    const total = (pick: (record: (typeof records)[0]) => number) => records.reduce((a, b) => a + pick(b), 0);
    expect(scrape.sum('infer_once_tokens_total', { type: 'input' })).toBe(total((r) => r.usage.input_tokens));
    expect(scrape.sum('infer_once_tokens_total', { type: 'output' })).toBe(
      total((r) => r.usage.output_tokens),
    );
    expect(total((r) => r.usage.input_tokens)).toBeGreaterThan(0);
    expect(scrape.sum('infer_once_cost_usd_total')).toBeCloseTo(
      total((r) => r.cost_usd ?? 0),
      9,
    );
    expect(scrape.sum('infer_once_calls_billed_unpriced_total')).toBe(
      records.filter((r) => r.cost_usd === null).length,
    );
    expect(scrape.sum('infer_once_jobs_settled_total', { status: 'COMPLETED' })).toBe(4);
    expect(scrape.sum('infer_once_jobs_settled_total', { status: 'FAILED' })).toBe(2);
    expect(scrape.sum('infer_once_job_duration_seconds_count')).toBe(6);
    expect(scrape.sum('infer_once_events_total', { event: 'sent' })).toBe(6);
    // an attempt each, and those that came back to a doubt
    expect(scrape.sum('infer_once_queue_wait_seconds_count', { task: 'enrich' })).toBeGreaterThanOrEqual(6);
    // each of them wrote no more than what is told
    expect((await scrapeGateway()).sum('infer_once_calls_billed_total')).toBe(0);
  });

  test('submissions count by how they met the job, and a duplicate by what it would have cost', async () => {
    const before = await scrapeGateway();
    await world.model.rules({ match: { job_id: 'met' }, do: { hold: true } });
    await put('met', 'heat', '');
    await world.model.waitForHeld('met');
    expect((await put('met', 'heat', '')).body).toMatchObject({ created: false, replayed: false });
    await world.model.release('met');
    const settled = await untilStatus(world, 'met', 'COMPLETED');
    for (let i = 0; i < 3; i += 1) expect((await put('met', 'heat', '')).body.replayed).toBe(true);
    expect((await put('met', 'another film', '')).status).toBe(422);
    expect(world.model.billed('met')).toBe(1);

    const after = await scrapeGateway();
    const grown = (name: string, labels?: Record<string, string>) =>
      after.sum(`infer_once_${name}`, labels) - before.sum(`infer_once_${name}`, labels);
    expect({
      created: grown('submissions_total', { outcome: 'created' }),
      joined: grown('submissions_total', { outcome: 'joined' }),
      replayed: grown('submissions_total', { outcome: 'replayed' }),
      mismatch: grown('submissions_total', { outcome: 'mismatch' }),
    }).toEqual({ created: 1, joined: 1, replayed: 3, mismatch: 1 });
    expect(grown('duplicates_avoided_total')).toBe(4);
    const price = settled.cost_usd;
    expect(grown('duplicates_avoided_cost_usd_total')).toBeCloseTo(3 * (price ?? 0), 9);
    expect(grown('duplicates_avoided_unpriced_total')).toBe(price === null ? 4 : 1);
  });

  test('a joined job has no price yet, whatever an earlier generation of it cost', async () => {
    const { metrics, server, scrape } = await startServedMetrics();
    countSubmission(metrics, { task: 'enrich', outcome: 'joined', cost_usd: 0.5 });
    const counted = await scrape();
    await server.close();
    expect(counted.has('infer_once_duplicates_avoided_cost_usd_total')).toBe(false);
    expect(counted.sum('infer_once_duplicates_avoided_unpriced_total')).toBe(1);
  });

  test('a client of a program of one’s own tells of each submission, refused ones too', async () => {
    const { client, store } = world;
    const told: unknown[] = [];
    const jobs = new JobClient({ client, store, onSubmission: (one) => told.push(one) });
    await jobs.run(enrichJob('own'));
    await jobs.submit(enrichJob('own'));
    await errorOf(jobs.submit(enrichJob('own', { title: 'another' })), InputMismatchError);
    await world.client.workflow.getHandle('own').result();
    await jobs.forget('own');
    await errorOf(jobs.submit(enrichJob('own')), JobForgottenError);
    expect(told).toMatchObject(
      ['created', 'replayed', 'mismatch', 'forgotten'].map((outcome) => ({ task: 'enrich', outcome })),
    );
  });

  test('jobs by task and status, and those in doubt, are the store’s now', async () => {
    await world.model.rules(losingAnswers('doubtful'));
    const noStore = await world.addWorker({ taskQueue: 'no-recovery', recovery: 'none' });
    const jobs = new JobClient({ client: world.client, store: world.store, taskQueue: 'no-recovery' });
    await jobs.submit(enrichJob('doubtful'));
    await untilStatus(world, 'doubtful', 'IN_DOUBT');
    const rows = await world.store.stats();
    const scrape = await until('a scrape that is fresh', async () => {
      const seen = await worker.scrape();
      return seen.sum('infer_once_jobs_in_doubt') === 1 && seen;
    });
    for (const { task, status } of rows) {
      const count = rows
        .filter((r) => r.task === task && r.status === status)
        .reduce((n, r) => n + r.jobs, 0);
      expect(scrape.sum('infer_once_jobs', { task, status })).toBe(count);
    }
    expect(scrape.sum('infer_once_jobs')).toBe(rows.reduce((sum, { jobs: n }) => sum + n, 0));
    expect(scrape.sum('infer_once_store_up')).toBe(1);
    await noStore.stop();
  });

  test('no label tells a job, a prompt, a key or what a caller made up', async () => {
    const chat = (id: string, model: string) =>
      gateway.send('POST', '/v1/chat/completions', {
        headers: { 'idempotency-key': id, authorization: 'Bearer sk-secret' },
        body: { model, messages: [{ role: 'user', content: 'A secret?' }] },
      });
    expect((await put('secret-film', 'The secret film (1979)')).status).toBe(200);
    expect((await chat('secret-chat', 'gpt "of\n\\ours"')).status).toBe(200);
    expect((await chat('secret-long', `secret ${'x'.repeat(200)}`)).status).toBe(200);
    await world.model.rules({ match: { job_id: 'secret-model' }, do: { status: 404 } });
    expect((await chat('secret-model', 'secret-model')).status).toBe(404);
    expect((await gateway.send('GET', '/v1/jobs/secret-film')).status).toBe(200);
    expect((await gateway.send('GET', '/secret')).status).toBe(404);
    const body = { task: 'secret', input: {} };
    expect((await gateway.send('PUT', '/v1/jobs/secret-task', { body })).status).toBe(400);

    const scrapes = [await worker.scrape(), await scrapeGateway()];
    for (const { text } of scrapes) expect(text).not.toMatch(/secret/i);
    const model = 'gpt "of\n\\ours"';
    expect(scrapes[0]!.sum('infer_once_calls_billed_total', { model })).toBe(
      world.model.billed('secret-chat'),
    );
  });

  test('stats sum the cost by task and day, and one that is not known is null, never 0', async () => {
    const body = { model: 'a-model-of-ours', messages: [{ role: 'user', content: 'Hello' }] };
    const headers = { 'idempotency-key': 'unpriced' };
    expect((await gateway.send('POST', '/v1/chat/completions', { headers, body })).status).toBe(200);
    await put('priced', 'heat');
    const { rows } = (await gateway.send('GET', '/v1/stats')).body;
    const { records } = (await gateway.send('GET', '/v1/jobs?limit=1000')).body;
    for (const { task, status, cost_usd } of rows) {
      const costs: number[] = records
        .filter((record: JobRecord) => record.task === task && record.status === status)
        .map((record: JobRecord) => record.cost_usd)
        .filter((cost: number | null) => cost !== null);
      if (costs.length === 0) expect([task, status, cost_usd]).toEqual([task, status, null]);
      else
        expect(cost_usd).toBeCloseTo(
          costs.reduce((a, b) => a + b, 0),
          12,
        );
    }
    const find = (task: string) =>
      rows.find((row: StatsRow) => row.task === task && row.status === 'COMPLETED');
    expect(find('enrich').cost_usd).toBeGreaterThan(0);
    expect(find('chat.completions').cost_usd).toBeNull();
  });

  test('requests are timed by route and status', async () => {
    const before = await scrapeGateway();
    await put('timed', 'heat');
    await gateway.send('GET', '/v1/jobs/not-there');
    await gateway.send('GET', '/not/there');
    const after = await scrapeGateway();
    const grown = (labels: Record<string, string>) => {
      const name = 'infer_once_http_request_duration_seconds_count';
      return after.sum(name, labels) - before.sum(name, labels);
    };
    expect(grown({ method: 'PUT', route: '/v1/jobs/:job_id', status: '200' })).toBe(1);
    expect(grown({ method: 'GET', route: '/v1/jobs/:job_id', status: '404' })).toBe(1);
    expect(grown({ method: 'GET', route: 'none', status: '404' })).toBe(1);
  });

  test('every name keeps Prometheus’s conventions, and every label is one of a few', async () => {
    const labels = new Set<string>();
    for (const { families } of [await worker.scrape(), await scrapeGateway()]) {
      for (const { name, type, help, samples } of families) {
        expect(help).toMatch(/\.$/);
        expect(name).toMatch(/^infer_once_[a-z_]+$/);
        expect(name).not.toMatch(/_(ms|milliseconds|minutes|cents|count|sum|bucket)(_|$)/);
        if (type === 'histogram') expect(name).toMatch(/_seconds$/);
        for (const sample of samples) {
          expect(sample.name.endsWith('_total')).toBe(type === 'counter');
          for (const label of Object.keys(sample.labels)) labels.add(label);
        }
      }
    }
    const allowed = ['task', 'status', 'outcome', 'model', 'type', 'reason', 'event', 'code', 'operation'];
    expect([...allowed, 'method', 'route', 'le']).toEqual(expect.arrayContaining([...labels]));
  });
});
