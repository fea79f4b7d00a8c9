import OpenAI, {
  APIError,
  ConflictError,
  InternalServerError,
  RateLimitError,
  UnprocessableEntityError,
} from 'openai';
import { zodResponseFormat, zodTextFormat } from 'openai/helpers/zod';
import { z } from 'zod';
import { JobClient } from '../../src';
import { clientsByTenant } from '../../src/gateway/run';
import { forget } from '../../src/once/rules/decide';
import { createProvider } from '../../src/provider/openai';
import { openMemoryStore } from '../../src/store/memory';
import { addLane, errorOf, losingAnswers, untilRun } from '../promises/support';
import { answer, completion, startOddServer } from '../provider/odd-server';
import { until } from '../support/until';
import { startWorld, type World } from '../support/world';
import { keysOf, startGateway, type TestGateway } from './support';

const QUESTION = { model: 'gpt-6-luna', messages: [{ role: 'user' as const, content: 'Who are you?' }] };
const key = (id: string) => ({ headers: { 'Idempotency-Key': id } });

describe('the official Node package, unchanged, at the gateway', () => {
  let world: World;
  let gateway: TestGateway;
  let openai: OpenAI;
  let requests = 0;
  beforeAll(async () => {
    // without recovery, so that a lost answer is a doubt, and no wait for one
    // a real server: the time-skipping one now and then keeps a worker's poll to itself when a run is canceled
    world = await startWorld({ server: 'dev', recovery: 'none', policy: { deadlineMs: 500 } });
    await world.addWorker();
    gateway = await startGateway(world);
    gateway.app.server.on('request', () => {
      requests += 1;
    });
    openai = sdk();
  });
  afterAll(async () => {
    await gateway.stop();
    await world.stop();
  });
  beforeEach(() => {
    requests = 0;
  });
  afterEach(() => world.model.rules());

  const sdk = (options: object = {}) =>
    new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: 'sk-of-the-caller', ...options });
  const ask = (id: string, more: object = {}) =>
    openai.chat.completions.create({ ...QUESTION, ...more }, key(id));

  describe('with an Idempotency-Key', () => {
    test('a completion is a job: many who ask at once, and later, get one answer for one call', async () => {
      const [first, ...others] = await Promise.all([1, 2, 3].map(() => ask('once')));
      const { data, response } = await openai.chat.completions.create(QUESTION, key('once')).withResponse();
      expect(first).toMatchObject({ object: 'chat.completion', choices: [{ finish_reason: 'stop' }] });
      expect(first!._request_id).toMatch(/^req_/);
      for (const answer of [...others, data]) expect(answer).toEqual(first);
      expect(response.headers.get('idempotent-replayed')).toBe('true');
      expect(world.model.billed('once')).toBe(1);
    });

    test('parse: a schema of zod comes back as its type', async () => {
      const Film = z.object({ title: z.string(), year: z.int().min(1900) });
      const completion = await openai.chat.completions.parse(
        { ...QUESTION, response_format: zodResponseFormat(Film, 'film') },
        key('parsed'),
      );
      expect(completion.choices[0]!.message.parsed).toEqual({ title: '', year: 1900 });
      const response = await openai.responses.parse(
        { model: 'gpt-6-luna', input: 'Which film?', text: { format: zodTextFormat(Film, 'film') } },
        key('parsed-response'),
      );
      expect(response.output_parsed).toEqual({ title: '', year: 1900 });
    });

    test('tools, images as URLs, n and metadata travel as they are', async () => {
      const tools = [
        {
          type: 'function' as const,
          function: {
            name: 'weather',
            parameters: {
              type: 'object',
              properties: { days: { type: 'integer', minimum: 3 } },
              required: ['days'],
            },
          },
        },
      ];
      const content = [
        { type: 'text' as const, text: 'Where is this, and how is the weather?' },
        { type: 'image_url' as const, image_url: { url: 'https://example.com/picture.png' } },
      ];
      const { choices } = await openai.chat.completions.create(
        { ...QUESTION, messages: [{ role: 'user', content }], tools, n: 2, metadata: { team: 'blue' } },
        key('rich'),
      );
      expect(choices).toHaveLength(2);
      for (const { message, finish_reason } of choices) {
        expect(finish_reason).toBe('tool_calls');
        const call = { type: 'function', function: { name: 'weather', arguments: '{"days":3}' } };
        expect(message.tool_calls).toMatchObject([call]);
      }
      expect(world.model.billed('rich')).toBe(1);
    });

    test('a field that nobody here knows reaches the provider', async () => {
      const provider = await startOddServer((response) => answer(response, 200, completion('hi')));
      const { client, store } = world;
      await world.addWorker({
        taskQueue: 'odd',
        provider: createProvider({ baseUrl: provider.baseUrl, recovery: 'none', callTimeoutMs: 5_000 }),
      });
      const odd = await startGateway(world, { jobs: clientsByTenant({ client, store, taskQueue: 'odd' }) });
      const theirs = new OpenAI({ baseURL: `${odd.url}/v1`, apiKey: 'x' });
      const request = { ...QUESTION, own_field: { deep: [1] } };
      await theirs.chat.completions.create(request, key('own-field'));
      expect(provider.received).toMatchObject([{ body: request }]);
      await odd.stop();
      await provider.close();
    });

    test('a response is a job too', async () => {
      const create = () =>
        openai.responses.create({ model: 'gpt-6-luna', input: 'Who are you?' }, key('resp'));
      const answers = await Promise.all([create(), create()]);
      expect(answers[0]!.output_text).toContain('stand-in');
      expect(await create()).toEqual(answers[0]);
      expect(world.model.billed('resp')).toBe(1);
    });

    test("what was sent along so that the answer can be found again is not shown: metadata are the caller's own", async () => {
      const lanes = { stored: 'none shown', background: {} };
      for (const [recovery, none] of Object.entries(lanes) as ['stored' | 'background', unknown][]) {
        const { jobs } = await addLane(world, recovery, { recovery });
        const other = await startGateway(world, { jobs: () => jobs });
        const client = new OpenAI({ baseURL: `${other.url}/v1`, apiKey: 'x' });
        const metadataOf = async (id: string, metadata?: Record<string, string>) => {
          await world.model.rules(...(recovery === 'stored' ? [losingAnswers(id)] : []));
          const ask = { ...(recovery === 'stored' ? QUESTION : { model: 'm', input: 'x' }), metadata };
          const path = recovery === 'stored' ? '/chat/completions' : '/responses';
          const answer = await client.post<{ metadata?: unknown }>(path, { body: ask, ...key(id) });
          expect((await world.jobs.get(id))!.result).toMatchObject({ metadata: { job_id: id } });
          return 'metadata' in answer ? answer.metadata : 'none shown';
        };
        try {
          expect(await metadataOf(`marks-${recovery}`)).toEqual(none);
          expect(await metadataOf(`own-${recovery}`, { team: 'blue' })).toEqual({ team: 'blue' });
        } finally {
          await other.stop();
        }
      }
    });

    test("a call that outlasts the SDK's own time-out is joined by the SDK's own retries: one call", async () => {
      await world.model.rules({ match: { job_id: 'slow' }, do: { hold: true } });
      const impatient = sdk({ timeout: 400, maxRetries: 10 });
      const answer = impatient.chat.completions.create(QUESTION, key('slow'));
      await world.model.waitForHeld('slow');
      await until('the SDK has lost patience twice', () => requests >= 3);
      await world.model.release('slow');
      expect(await answer).toMatchObject({ object: 'chat.completion' });
      expect(world.model.billed('slow')).toBe(1);
    });

    test('a client that leaves for good: the job goes on, and the next who asks has the answer', async () => {
      await world.model.rules({ match: { job_id: 'left' }, do: { hold: true } });
      const leave = new AbortController();
      const left = openai.chat.completions.create(QUESTION, { ...key('left'), signal: leave.signal });
      await world.model.waitForHeld('left');
      leave.abort();
      await expect(left).rejects.toThrow('aborted');
      await world.model.release('left');
      expect(await ask('left')).toMatchObject({ object: 'chat.completion' });
      expect(world.model.billed('left')).toBe(1);
    });

    test('every field that changes the answer is part of the job: another one is refused', async () => {
      await ask('mismatch', { temperature: 0 });
      const others = [{}, { temperature: 1 }, { temperature: 0, own_field: 1 }, { temperature: 0, n: 1 }];
      for (const other of others) {
        const error = await errorOf(ask('mismatch', other), UnprocessableEntityError);
        expect(error).toMatchObject({ code: 'input_mismatch', type: 'invalid_request_error' });
      }
      const response = openai.responses.create({ model: 'gpt-6-luna', input: 'x' }, key('mismatch'));
      expect(await errorOf(response, UnprocessableEntityError)).toMatchObject({ code: 'input_mismatch' });
      expect(requests).toBe(6);
      expect(world.model.billed('mismatch')).toBe(1);
    });

    test('two tenants with one key do not meet; who has no key of the gateway is told so, and costs nothing', async () => {
      const { keys, headers } = keysOf('alpha', 'beta');
      const other = await startGateway(world, { keys });
      const as = (tenant: string) =>
        new OpenAI({ baseURL: `${other.url}/v1`, apiKey: headers[tenant]?.authorization.slice(7) ?? 'none' });
      const said = (tenant: string, content: string) =>
        as(tenant).chat.completions.create(
          { ...QUESTION, messages: [{ role: 'user', content }] },
          key('shared'),
        );
      try {
        const answers = await Promise.all([said('alpha', 'One.'), said('beta', 'Another.')]);
        expect(answers[0]!.id).not.toBe(answers[1]!.id);
        expect(await said('alpha', 'One.')).toEqual(answers[0]);
        expect([world.model.billed('alpha/shared'), world.model.billed('beta/shared')]).toEqual([1, 1]);
        const before = (await world.model.state()).requests;
        const denied = [said('gamma', 'One.'), as('gamma').chat.completions.create(QUESTION)];
        for (const sent of denied) {
          expect(await errorOf(sent, OpenAI.AuthenticationError)).toMatchObject({ code: 'unauthorized' });
        }
        expect((await world.model.state()).requests).toBe(before);
      } finally {
        await other.stop();
      }
    });

    test('a job in doubt is a conflict that the SDK does not send again', async () => {
      await world.model.rules(losingAnswers('doubt'));
      const error = await errorOf(ask('doubt'), ConflictError);
      expect(error).toMatchObject({ status: 409, code: 'job_in_doubt' });
      expect(error.message).toContain('Job doubt is in doubt');
      expect(requests).toBe(1);
      const { token } = (await world.jobs.get('doubt'))!;
      await world.jobs.resolve('doubt', { action: 'abandon', doubt: token });
      await untilRun(world, 'doubt', 'FAILED');
      // now only an explicit retry may run it again
      expect(await errorOf(ask('doubt'), ConflictError)).toMatchObject({ code: 'job_failed' });
      expect(requests).toBe(2);
      expect(world.model.billed('doubt')).toBe(1);
    });

    test.each([
      [400, OpenAI.BadRequestError],
      [404, OpenAI.NotFoundError],
      [422, UnprocessableEntityError],
    ])(
      "the provider's %i is the SDK's own error, in the provider's words; it costs nothing",
      async (status, type) => {
        const said = {
          message: 'No such thing.',
          type: 'invalid_request_error',
          param: 'model',
          code: 'nothing',
        };
        const id = `rejected-${status}`;
        await world.model.rules({ match: { job_id: id }, times: 1, do: { status, body: { error: said } } });
        const error = await errorOf(ask(id), type as typeof APIError);
        expect(error).toMatchObject({ status, error: said, param: 'model', code: 'nothing' });
        expect(error.message).toBe(`${status} No such thing.`);
        expect(requests).toBe(1);
        // nothing was paid: the next who asks may have it
        await untilRun(world, id, 'FAILED');
        expect(await ask(id)).toMatchObject({ object: 'chat.completion' });
      },
    );

    test("a rate limit that outlasts the job's deadline is the SDK's own error", async () => {
      const error = { message: 'Slow down.', type: 'requests', param: null, code: 'rate_limit_exceeded' };
      await world.model.rules({ match: { job_id: 'limited' }, do: { status: 429, body: { error } } });
      expect(await errorOf(ask('limited'), RateLimitError)).toMatchObject({
        error,
        code: 'rate_limit_exceeded',
      });
      // the job has tried as long as it may: the SDK does not begin anew
      expect(requests).toBe(1);
      expect(world.model.billed('limited')).toBe(0);
    });

    test('a key that can be no job_id, an input that is none, and a background of the caller are refused', async () => {
      const before = (await world.model.state()).requests;
      const bad = (sent: Promise<unknown>) => errorOf(sent, OpenAI.BadRequestError);
      expect(await bad(ask('no spaces, please'))).toMatchObject({ code: 'invalid_job_id' });
      expect(await bad(ask('../other'))).toMatchObject({ code: 'invalid_job_id' });
      expect(await bad(ask('huge', { seed: 2 ** 53 }))).toMatchObject({ code: 'invalid_input' });
      const response = { model: 'm', input: 'x', background: true };
      expect(await bad(openai.responses.create(response, key('bg')))).toMatchObject({
        code: 'invalid_input',
      });
      const twice = await gateway.send('POST', '/v1/chat/completions', {
        body: '{"model": "a", "model": "a"}',
        headers: { 'idempotency-key': 'twice' },
      });
      expect(twice).toMatchObject({ status: 400, body: { error: { code: 'invalid_json', param: null } } });
      const empty = await gateway.send('POST', '/v1/chat/completions', {
        body: QUESTION,
        headers: { 'idempotency-key': '' },
      });
      expect(empty).toMatchObject({ status: 400, body: { error: { code: 'idempotency_key_missing' } } });
      expect((await world.model.state()).requests).toBe(before);
    });

    test("the provider's words about the gateway's own key do not reach the caller", async () => {
      const error = { message: 'Incorrect API key provided: test-key', code: 'invalid_api_key', type: 'x' };
      await world.model.rules({ match: { job_id: 'no-key' }, do: { status: 401, body: { error } } });
      const told = await errorOf(ask('no-key'), InternalServerError);
      expect(told).toMatchObject({ status: 502, code: 'provider_unauthorized' });
      expect(told.message).not.toContain('test-key');
      expect(requests).toBe(1);
    });

    test('a job that is canceled while its caller waits is a conflict', async () => {
      await world.model.rules({ match: { job_id: 'canceled' }, do: { hold: true } });
      const answer = errorOf(ask('canceled'), ConflictError);
      await world.model.waitForHeld('canceled');
      await world.jobs.cancel('canceled');
      expect(await answer).toMatchObject({ code: 'job_canceled' });
      expect(requests).toBe(1);
      await world.model.release();
    });

    test('a gateway that stops tells those who wait to come again; the job goes on', async () => {
      await world.model.rules({ match: { job_id: 'stopped' }, do: { hold: true } });
      const stopping = await startGateway(world);
      const client = new OpenAI({ baseURL: `${stopping.url}/v1`, apiKey: 'x', maxRetries: 0 });
      const answer = errorOf(client.chat.completions.create(QUESTION, key('stopped')), InternalServerError);
      await world.model.waitForHeld('stopped');
      await stopping.stop();
      expect(await answer).toMatchObject({ status: 503, code: 'stopping' });
      expect((await answer).headers.get('retry-after')).toBe('1');
      await world.model.release('stopped');
      expect(await ask('stopped')).toMatchObject({ object: 'chat.completion' });
      expect(world.model.billed('stopped')).toBe(1);
    });

    test('while the store is away the caller is told when to come again', async () => {
      const store = openMemoryStore();
      await store.close();
      const away = await startGateway(world, { jobs: () => new JobClient({ client: world.client, store }) });
      try {
        const client = new OpenAI({ baseURL: `${away.url}/v1`, apiKey: 'x', maxRetries: 0 });
        const error = await errorOf(
          client.chat.completions.create(QUESTION, key('away')),
          InternalServerError,
        );
        expect(error).toMatchObject({ status: 503, type: 'server_error' });
        expect(Number(error.headers.get('retry-after'))).toBeGreaterThan(0);
        expect(error.headers.get('x-should-retry')).toBeNull();
      } finally {
        await away.stop();
      }
    });

    test('a body over the limit is told so', async () => {
      const content = 'x'.repeat(21 * 1024 * 1024);
      const large = ask('large', { messages: [{ role: 'user', content }] });
      const body = expect.stringContaining('The body is over');
      expect(await errorOf(large, APIError)).toMatchObject({ status: 413, code: 'too_large', message: body });
      // of a body without a length as much is read as may be, and no more
      const parts = async function* () {
        for (let part = 0; part < 21; part += 1) yield Buffer.alloc(1024 * 1024, 0x20);
      };
      const told = await fetch(`${gateway.url}/v1/chat/completions`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'idempotency-key': 'large' },
        body: parts() as never,
        duplex: 'half',
      } as RequestInit);
      expect([told.status, await told.json()]).toMatchObject([413, { error: { code: 'too_large' } }]);
    });

    test('a forgotten job is gone', async () => {
      await ask('forgotten');
      await untilRun(world, 'forgotten', 'COMPLETED');
      const { token } = (await world.jobs.get('forgotten'))!;
      await world.store.update('forgotten', forget(token));
      expect(await errorOf(ask('forgotten'), APIError)).toMatchObject({ status: 410, code: 'forgotten' });
      expect(world.model.billed('forgotten')).toBe(1);
    });
  });
});
