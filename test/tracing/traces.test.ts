import { Client, Connection, type WorkflowHandle } from '@temporalio/client';
import { findFreePort } from '../../src/dev/temporal';
import type { JobRecord } from '../../src/job';
import { CliHarness, type Running, startCli } from '../cli/support';
import { type Collector, type OtlpSpan, startCollector } from './support';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const CALLER = '00f067aa0ba902b7';
const SECRETS = ['Secretfilm', 'sk-secret-key', 'tenant=baggage'];

describe('a trace leads from the request to the call of the provider', () => {
  const stack = new CliHarness();
  let collector: Collector;
  beforeAll(() => stack.start());
  afterAll(() => stack.stop());
  beforeEach(async () => {
    collector = await startCollector();
  });
  afterEach(() => collector.stop());

  /** Runs a gateway and a worker, has `use` send requests, and ends both, so that all they saw is told. */
  async function withParts(queue: string, otel: Record<string, string>, use: (url: string) => Promise<void>) {
    const port = String(await findFreePort());
    const env = {
      ...stack.stack.env,
      INFER_ONCE_TASK_QUEUE: queue,
      INFER_ONCE_GATEWAY_PORT: port,
      OPENAI_API_KEY: 'sk-secret-key',
      ...otel,
    };
    const parts: Running[] = [startCli(['worker'], { env }), startCli(['gateway'], { env })];
    try {
      await parts[1]!.line('stdout', 'ready');
      await use(`http://127.0.0.1:${port}`);
    } finally {
      for (const part of parts) part.process.kill('SIGTERM');
      for (const part of parts) expect(await part.ended).toMatchObject({ code: 0 });
    }
  }

  const put = (url: string, id: string, input: object) =>
    fetch(`${url}/v1/jobs/${id}?wait=30`, {
      method: 'PUT',
      headers: {
        'content-type': 'application/json',
        traceparent: `00-${TRACE}-${CALLER}-01`,
        baggage: 'tenant=baggage',
      },
      body: JSON.stringify({ task: 'enrich', input }),
    });

  const find = (spans: OtlpSpan[], name: string) => {
    const found = spans.filter((span) => span.name === name);
    expect([name, found.length]).toEqual([name, 1]);
    return found[0]!;
  };

  test('each step is the child of the one before, and none tells a prompt, an answer or a key', async () => {
    const on = { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url };
    await withParts('traced', on, async (url) => {
      const answer = await (await put(url, 'traced-1', { title: 'Secretfilm (1979)' })).json();
      expect(answer).toMatchObject({
        status: 'COMPLETED',
        result: { normalized_title: 'Secretfilm (1979)' },
      });
      await untilClosed('traced-1');
    });
    const spans = collector.spans().filter((span) => span.traceId === TRACE);
    const request = find(spans, 'PUT /v1/jobs/:job_id');
    const start = find(spans, 'StartWorkflow:inferenceJob');
    const run = find(spans, 'RunWorkflow:inferenceJob');
    const schedule = find(spans, 'StartActivity:infer');
    const activity = find(spans, 'RunActivity:infer');
    const [call] = spans.filter((span) => span.name.startsWith('chat '));
    const chain = [request, start, run, schedule, activity, call!];
    expect(chain.map(({ parentSpanId }) => parentSpanId)).toEqual([
      CALLER,
      ...chain.slice(0, -1).map(({ spanId }) => spanId),
    ]);
    expect(new Set([request, start].map((span) => span.service))).toEqual(new Set(['infer-once-gateway']));
    expect(new Set([run, activity, call!].map((span) => span.service))).toEqual(
      new Set(['infer-once-worker']),
    );
    expect(call!.attributes).toMatchObject({
      'gen_ai.operation.name': 'chat',
      'gen_ai.request.model': expect.any(String),
      'gen_ai.usage.input_tokens': expect.any(Number),
      'infer_once.outcome': 'answered',
      'server.address': '127.0.0.1',
    });
    expect(request.attributes).toMatchObject({ 'http.response.status_code': 200 });
    for (const secret of SECRETS) expect(collector.text()).not.toContain(secret);
    expect(stack.offline.billed('traced-1')).toBe(1);
    expect(await headerOf('traced-1')).toContain('_tracer-data');
  });

  test('an OpenAI client’s request with a key leads there too, and its retry to no second call', async () => {
    const on = { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url };
    await withParts('traced-openai', on, async (url) => {
      const headers = {
        'content-type': 'application/json',
        'idempotency-key': 'traced-chat',
        traceparent: `00-${TRACE}-${CALLER}-01`,
      };
      const body = JSON.stringify({
        model: 'gpt-5-mini',
        messages: [{ role: 'user', content: 'Secretfilm' }],
      });
      for (const _ of ['first', 'again']) {
        const answer = await fetch(`${url}/v1/chat/completions`, { method: 'POST', headers, body });
        expect(answer.status).toBe(200);
      }
    });
    const spans = collector.spans().filter((span) => span.traceId === TRACE);
    expect(spans.filter(({ name }) => name === 'POST /v1/chat/completions')).toHaveLength(2);
    const activity = find(spans, 'RunActivity:infer');
    expect(find(spans, 'chat gpt-5-mini').parentSpanId).toBe(activity.spanId);
    expect(stack.offline.billed('traced-chat')).toBe(1);
    for (const secret of SECRETS) expect(collector.text()).not.toContain(secret);
  });

  test('an error is told by its type, without its message, which may quote an input', async () => {
    const on = { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url };
    let message = '';
    await withParts('traced-fault', on, async (url) => {
      const answer = (await (await put(url, 'fault-1', { title: 'x', category: 7 })).json()) as JobRecord;
      expect(answer).toMatchObject({ status: 'FAILED', error: { code: 'invalid_input' } });
      message = answer.error!.message;
      await untilClosed('fault-1');
    });
    const run = find(
      collector.spans().filter((span) => span.traceId === TRACE),
      'RunWorkflow:inferenceJob',
    ) as OtlpSpan & { status: { code: number }; events: { attributes: unknown[] }[] };
    expect(run.status).toEqual({ code: 2 });
    expect(run.events[0]!.attributes).toHaveLength(1);
    expect(message).toContain('category');
    expect(collector.text()).not.toContain(message);
    expect(collector.text()).not.toContain('category');
  });

  test.each([
    ['says nothing of traces', 'untraced-default', () => ({})],
    [
      'names no exporter',
      'untraced-none',
      (url: string) => ({ OTEL_EXPORTER_OTLP_ENDPOINT: url, OTEL_TRACES_EXPORTER: 'none' }),
    ],
    [
      'disables the SDK',
      'untraced-disabled',
      (url: string) => ({ OTEL_EXPORTER_OTLP_ENDPOINT: url, OTEL_SDK_DISABLED: 'true' }),
    ],
  ])('where the environment %s there are no traces', async (_, jobId, otel) => {
    await withParts(jobId, otel(collector.url), async (url) => {
      expect((await put(url, jobId, { title: 'heat' })).status).toBe(200);
    });
    expect(await headerOf(jobId)).not.toContain('_tracer-data');
    expect(collector.requests()).toBe(0);
  });

  test('a collector that is away holds up no job and no stop', async () => {
    const away = { OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${await findFreePort()}` };
    await withParts('traced-away', away, async (url) => {
      expect((await put(url, 'away-1', { title: 'heat' })).status).toBe(200);
    });
  });

  test('what can not be done with traces is named at once', async () => {
    const env = {
      ...stack.stack.env,
      OTEL_TRACES_EXPORTER: 'jaeger',
      OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc',
    };
    const said = await startCli(['worker'], { env }).ended;
    expect(said.code).toBe(2);
    expect(said.stderr).toMatch(/OTEL_TRACES_EXPORTER is "jaeger".*OTLP protocol is "grpc"/);
  });

  /** What a run was started with beside its argument, as text. */
  function headerOf(jobId: string): Promise<string> {
    return withRun(jobId, async (run) => {
      const { events } = await run.fetchHistory();
      return JSON.stringify(events!.map((event) => event.workflowExecutionStartedEventAttributes?.header));
    });
  }

  /** Answers are there a moment before their run has closed, and its span is told. */
  async function untilClosed(jobId: string): Promise<void> {
    await withRun(jobId, (run) => run.result().catch(() => undefined));
  }

  async function withRun<T>(jobId: string, act: (run: WorkflowHandle) => Promise<T>): Promise<T> {
    const connection = await Connection.connect({ address: stack.stack.temporalAddress });
    try {
      return await act(new Client({ connection }).workflow.getHandle(jobId));
    } finally {
      await connection.close();
    }
  }
});
