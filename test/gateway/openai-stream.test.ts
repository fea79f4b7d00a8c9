import OpenAI from 'openai';
import { ChatCompletionStream } from 'openai/lib/ChatCompletionStream';
import { JobClient } from '../../src';
import { completionChunks } from '../../src/gateway/openai/completion-chunks';
import { responseEvents } from '../../src/gateway/openai/response-events';
import { createProvider } from '../../src/provider/openai';
import { sendResponse } from '../../src/provider/plain-response';
import type { Provider } from '../../src/provider/provider';
import { openAgent } from '../../src/provider/wire';
import { answer, completion, type OddServer, startOddServer } from '../provider/odd-server';
import { startWorld, type World } from '../support/world';
import { startGateway, type TestGateway } from './support';

const QUESTION = { model: 'gpt-6-luna', messages: [{ role: 'user' as const, content: 'Who are you?' }] };
const ASK = { model: 'gpt-6-luna', input: 'Who are you?' };
const key = (id: string) => ({ headers: { 'Idempotency-Key': id } });
const LONG = `${'ä🦊e\u0301 '.repeat(150)}end`;

/** A completion with everything that a message can have. */
const RICH = completion(LONG, {
  service_tier: 'default',
  system_fingerprint: 'fp_1',
  citations: ['https://example.com'],
  choices: [
    {
      index: 0,
      finish_reason: 'tool_calls',
      logprobs: null,
      message: {
        role: 'assistant',
        content: LONG,
        refusal: null,
        annotations: [{ type: 'url_citation' }],
        reasoning_content: 'It is a fox.',
        tool_calls: [
          { id: 'call_1', type: 'function', function: { name: 'weather', arguments: `{"a":"${LONG}"}` } },
          { id: 'call_2', type: 'function', function: { name: 'nothing', arguments: '' } },
        ],
      },
    },
    {
      index: 1,
      finish_reason: 'stop',
      logprobs: { content: [{ token: LONG, logprob: -0.5, bytes: null, top_logprobs: [] }], refusal: null },
      message: { role: 'assistant', content: LONG, refusal: null },
    },
    {
      index: 2,
      finish_reason: 'stop',
      logprobs: null,
      message: { role: 'assistant', content: null, refusal: LONG },
    },
  ],
}) as Record<string, unknown>;

/** A response with an item of every kind. */
const OUTPUT = [
  { type: 'reasoning', id: 'rs_1', summary: [{ type: 'summary_text', text: LONG }], encrypted_content: 'x' },
  { type: 'web_search_call', id: 'ws_1', status: 'completed', action: { type: 'search', query: 'fox' } },
  {
    type: 'message',
    id: 'msg_1',
    role: 'assistant',
    status: 'completed',
    content: [
      {
        type: 'output_text',
        text: LONG,
        annotations: [{ type: 'url_citation', url: 'https://example.com' }],
      },
      { type: 'refusal', refusal: LONG },
    ],
  },
  { type: 'function_call', id: 'fc_1', call_id: 'c1', name: 'weather', arguments: LONG, status: 'completed' },
  { type: 'custom_tool_call', id: 'ct_1', call_id: 'c2', name: 'shell', input: LONG },
];
const RICH_RESPONSE = {
  id: 'resp_1',
  object: 'response',
  created_at: 1_700_000_000,
  status: 'completed',
  error: null,
  incomplete_details: null,
  model: 'gpt-6-luna',
  metadata: {},
  output: OUTPUT,
  usage: { input_tokens: 1, output_tokens: 2, total_tokens: 3 },
};

describe('the chunks of a stored completion', () => {
  test('the SDK makes the very same completion of them', async () => {
    const lines = completionChunks(RICH, true).map((chunk) => `${JSON.stringify(chunk)}\n`);
    const stream = ChatCompletionStream.fromReadableStream(new Blob(lines).stream());
    const { choices, ...rest } = (await stream.finalChatCompletion()) as unknown as typeof RICH;
    const { choices: expected, ...others } = RICH;
    expect(rest).toEqual(others);
    // the SDK adds what it parsed
    expect(choices).toMatchObject(expected as object);
  });

  test('no piece splits a character, each has the head of its completion, and usage comes only where asked', () => {
    const chunks = completionChunks(RICH, false);
    expect(chunks.length).toBeGreaterThan(10);
    for (const chunk of chunks) {
      expect(chunk).toMatchObject({
        id: 'chatcmpl-1',
        object: 'chat.completion.chunk',
        service_tier: 'default',
      });
      expect(JSON.stringify(chunk)).not.toMatch(/\\ud[89a-f]/i);
      expect(chunk).not.toHaveProperty('usage');
    }
    expect(completionChunks(RICH, true).at(-1)).toMatchObject({ choices: [], usage: RICH.usage });
  });

  test('an odd completion is streamed all the same', () => {
    expect(completionChunks({ choices: [null, {}, { message: null }] }, false)).toHaveLength(6);
    expect(completionChunks({}, true)).toHaveLength(1);
  });
});

describe('the events of a stored response', () => {
  test('the pieces of each text are the whole of it, each event has the next number, the last has the response', () => {
    const events = responseEvents(RICH_RESPONSE);
    expect(events.map((event) => event.sequence_number)).toEqual(events.map((_, at) => at));
    expect(events.map((event) => event.type).slice(0, 2)).toEqual([
      'response.created',
      'response.in_progress',
    ]);
    for (const type of [
      'output_text',
      'refusal',
      'reasoning_summary_text',
      'function_call_arguments',
      'custom_tool_call_input',
    ]) {
      const deltas = events.filter((event) => event.type === `response.${type}.delta`);
      expect([type, deltas.map((event) => event.delta).join('')]).toEqual([type, LONG]);
      expect(deltas.length).toBeGreaterThan(1);
    }
    const done = events.filter((event) => event.type === 'response.output_item.done');
    expect(done.map((event) => event.item)).toEqual(OUTPUT);
    expect(events.at(-1)).toMatchObject({ type: 'response.completed', response: RICH_RESPONSE });
  });

  test.each(['incomplete', 'failed'])('one that is %s ends as that', (status) => {
    const events = responseEvents({ ...RICH_RESPONSE, status });
    expect(events.at(-1)).toMatchObject({ type: `response.${status}`, response: { status } });
  });
});

describe('a keyed stream at the gateway', () => {
  let world: World;
  let provider: OddServer;
  let gateway: TestGateway;
  let openai: OpenAI;
  let made: object;
  beforeAll(async () => {
    world = await startWorld();
    provider = await startOddServer((response) => answer(response, 200, made));
    await world.addWorker({
      provider: createProvider({ baseUrl: provider.baseUrl, recovery: 'none', callTimeoutMs: 10_000 }),
    });
    gateway = await startGateway(world);
    openai = new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: 'x' });
  });
  afterAll(async () => {
    await gateway.stop();
    await world.stop();
    await provider.close();
  });
  beforeEach(() => {
    provider.received.length = 0;
  });

  const raw = (path: string, id: string, body: object) =>
    gateway.send('POST', path, { body, headers: { 'idempotency-key': id } });

  test('of a completion: fresh, replayed, and unstreamed are one job with one answer, and the bytes are the same', async () => {
    made = RICH;
    const ask = { ...QUESTION, n: 3 };
    const streamed = openai.chat.completions.stream(
      { ...ask, stream_options: { include_usage: true } },
      key('s1'),
    );
    const final = await streamed.finalChatCompletion();
    const plain = await openai.chat.completions.create(ask, key('s1'));
    expect(plain).toEqual(RICH);
    expect(final.choices[0]!.message.content).toBe(LONG);
    expect(final.usage).toEqual(plain.usage);
    const { data, response } = await openai.chat.completions
      .create({ ...ask, stream: true }, key('s1'))
      .withResponse();
    expect(response.headers.get('idempotent-replayed')).toBe('true');
    let text = '';
    for await (const { choices } of data) if (choices[0]?.index === 0) text += choices[0].delta.content ?? '';
    expect(text).toBe(LONG);

    const first = await raw('/v1/chat/completions', 's1', { ...ask, stream: true });
    const second = await raw('/v1/chat/completions', 's1', { ...ask, stream: true });
    expect(first.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
    expect(first.body).toMatch(/^data: \{[\s\S]*\n\ndata: \[DONE\]\n\n$/);
    expect(second.body).toBe(first.body);
    expect(provider.received).toHaveLength(1);
    // the provider is never asked for a stream
    expect(provider.received[0]!.body).toEqual(ask);
  });

  test('of a response: the same', async () => {
    made = RICH_RESPONSE;
    const types: string[] = [];
    const streamed = openai.responses.stream(ASK, key('s2'));
    streamed.on('event', (event) => types.push(event.type));
    const final = await streamed.finalResponse();
    expect(final).toMatchObject(RICH_RESPONSE);
    expect(types).toContain('response.output_text.delta');
    const plain = await openai.responses.create(ASK, key('s2'));
    expect(plain).toMatchObject(RICH_RESPONSE);
    expect(final.output_text).toBe(plain.output_text);
    const first = await raw('/v1/responses', 's2', { ...ASK, stream: true });
    expect(first.body).toMatch(/^event: response\.created\ndata: \{/);
    expect((await raw('/v1/responses', 's2', { ...ASK, stream: true })).body).toBe(first.body);
    expect(provider.received).toHaveLength(1);
    expect(provider.received[0]!.body).toEqual(ASK);
  });

  test('of a response that failed at the OpenAI API, unpaid, is that response', async () => {
    const error = { code: 'invalid_prompt', message: 'It was flagged.' };
    made = { ...RICH_RESPONSE, status: 'failed', output: [], usage: null, error };
    const agent = openAgent();
    const real = createProvider({ baseUrl: provider.baseUrl, recovery: 'none', callTimeoutMs: 10_000 });
    const sender = new OpenAI({ baseURL: provider.baseUrl, apiKey: 'x', maxRetries: 0 });
    // only the OpenAI API's word for a failure is taken
    const send: Provider['send'] = (task, request, ctx) =>
      sendResponse(sender, agent, task, request as never, ctx, 10_000, {
        baseUrl: provider.baseUrl,
        openaiApi: true,
      });
    await world.addWorker({ taskQueue: 'openai-api', provider: { ...real, send } });
    const other = await startGateway(world, {
      jobs: () => new JobClient({ client: world.client, store: world.store, taskQueue: 'openai-api' }),
    });
    try {
      const client = new OpenAI({ baseURL: `${other.url}/v1`, apiKey: 'x' });
      expect(await client.responses.create(ASK, key('s4'))).toMatchObject({ status: 'failed', error });
      const types: string[] = [];
      for await (const event of await client.responses.create({ ...ASK, stream: true }, key('s5'))) {
        types.push(event.type);
      }
      expect(types).toEqual(['response.created', 'response.in_progress', 'response.failed']);
      expect(await world.jobs.get('s5')).toMatchObject({ status: 'FAILED', billed: 'no' });
    } finally {
      await other.stop();
      await agent.close();
    }
  });

  test('that has no answer is an error with its status, no stream', async () => {
    made = { nonsense: true };
    const error = await openai.chat.completions.create({ ...QUESTION, stream: true }, key('s3')).then(
      () => null,
      (e: unknown) => e,
    );
    expect(error).toBeInstanceOf(OpenAI.ConflictError);
    expect(error).toMatchObject({ code: 'job_in_doubt' });
    expect(provider.received).toHaveLength(1);
  });
});
