import { once } from 'node:events';
import { createServer, get, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import OpenAI, { InternalServerError, RateLimitError } from 'openai';
import { findFreePort } from '../../src/dev/temporal';
import { readUsage } from '../../src/provider/answer';
import { priceUsd } from '../../src/provider/price';
import { scrapeUrl } from '../metrics/support';
import { errorOf } from '../promises/support';
import {
  answer,
  completion,
  errorBody,
  type Handler,
  type OddServer,
  startOddServer,
} from '../provider/odd-server';
import { until } from '../support/until';
import { startWorld, type World } from '../support/world';
import { startGateway, type TestGateway } from './support';

const QUESTION = { model: 'gpt-6-luna', messages: [{ role: 'user' as const, content: 'Who are you?' }] };

describe('without an Idempotency-Key a request passes through, once', () => {
  let world: World;
  let provider: OddServer;
  let gateway: TestGateway;
  let openai: OpenAI;
  let handle: Handler;
  beforeAll(async () => {
    // no worker: nothing here is a job
    world = await startWorld();
    provider = await startOddServer((response, received) => handle(response, received));
    gateway = await startGateway(world, {
      upstream: { baseUrl: provider.baseUrl, apiKey: 'key-of-the-gateway' },
    });
    openai = sdk();
  });
  afterAll(async () => {
    await gateway.stop();
    await provider.close();
    expect((await world.store.list({})).jobs).toEqual([]);
    await world.stop();
  });
  beforeEach(() => {
    provider.received.length = 0;
  });

  const sdk = (options: object = {}) =>
    new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: 'key-of-the-caller', ...options });
  const ask = (client = openai) => client.chat.completions.create(QUESTION);

  /** A gateway before another server of the test's own. */
  async function inFrontOf<T>(
    serve: (request: IncomingMessage, response: ServerResponse) => void,
    act: (url: string) => Promise<T>,
  ): Promise<T> {
    const server = createServer(serve).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
    const other = await startGateway(world, { upstream: { baseUrl, apiKey: undefined } });
    try {
      return await act(other.url);
    } finally {
      await other.stop();
      server.closeAllConnections();
      server.close();
    }
  }

  test("with the gateway's key, and nothing that names the caller; the answer and its headers come back", async () => {
    const headers = {
      ...{ 'x-request-id': 'req_7', 'x-ratelimit-remaining-requests': '9', 'openai-processing-ms': '12' },
      ...{ 'openai-organization': 'org-of-the-operator', 'openai-project': 'proj_of-the-operator' },
      'set-cookie': 'session=of-the-provider',
    };
    handle = (response) => answer(response, 200, completion('hi'), headers);
    const { data, response } = await openai.chat.completions
      .create({ ...QUESTION, own_field: { a: 1 } } as never, {
        headers: {
          cookie: 'session=1',
          'openai-organization': 'org-of-the-caller',
          'x-forwarded-for': '10.0.0.1',
        },
      })
      .withResponse();
    expect(data).toEqual(completion('hi'));
    expect(response.headers.get('x-request-id')).toBe('req_7');
    expect(response.headers.get('x-ratelimit-remaining-requests')).toBe('9');
    expect(response.headers.get('openai-processing-ms')).toBe('12');
    expect(response.headers.get('set-cookie')).toBeNull();
    expect(JSON.stringify([...response.headers])).not.toContain('operator');
    expect(provider.received).toHaveLength(1);
    const { path, body, headers: sent } = provider.received[0]!;
    expect({ path, body }).toEqual({
      path: '/v1/chat/completions',
      body: { ...QUESTION, own_field: { a: 1 } },
    });
    expect(sent.authorization).toBe('Bearer key-of-the-gateway');
    expect(JSON.stringify(sent)).not.toMatch(/caller|session|10\.0\.0\.1/);
  });

  test('responses, embeddings and models pass too, with their queries; nothing reaches another path', async () => {
    handle = (response) => answer(response, 200, { object: 'list', data: [] });
    await openai.responses.create({ model: 'm', input: 'x' });
    await openai.embeddings.create({ model: 'm', input: 'x' }, { headers: { 'Idempotency-Key': 'any' } });
    await openai.models.list({ query: { after: 'a b' } });
    await openai.models.retrieve('maker/model');
    expect(provider.received.map(({ method, path }) => `${method} ${path}`)).toEqual([
      'POST /v1/responses',
      'POST /v1/embeddings',
      expect.stringMatching(/^GET \/v1\/models\?after=a(\+|%20)b$/),
      'GET /v1/models/maker%2Fmodel',
    ]);
    for (const path of ['..', '%2e%2e', '..%2ffiles', '.', '%2e', 'a/../../files', '..%5cfiles']) {
      // fetch would tidy the path up by itself
      const asked = get({ port: new URL(gateway.url).port, path: `/v1/models/${path}` });
      const [answered] = (await once(asked, 'response')) as [IncomingMessage];
      answered.resume();
    }
    for (const { path } of provider.received) expect(path).toMatch(/^\/v1\/(responses|embeddings|models)/);
  });

  describe('what it costs is counted, and told from jobs', () => {
    const SAID = { task: '(pass-through)', model: 'gpt-4.1-mini-2025-04-14' };
    const counted = async () => {
      const scrape = await scrapeUrl(`${gateway.url}/metrics`);
      const sum = (name: string, labels: object) => scrape.sum(`infer_once_${name}`, { ...labels });
      return {
        billed: sum('calls_billed_total', { task: SAID.task }),
        unpriced: sum('calls_billed_unpriced_total', { task: SAID.task }),
        input: sum('tokens_total', { ...SAID, type: 'input' }),
        output: sum('tokens_total', { ...SAID, type: 'output' }),
        cost: sum('cost_usd_total', SAID),
      };
    };
    type Counted = Awaited<ReturnType<typeof counted>>;
    const PRICE = priceUsd(SAID.model, readUsage((completion('') as { usage: unknown }).usage))!;

    /** What the counters grew by. */
    async function growth(act: () => Promise<unknown>, billed = 1): Promise<Counted> {
      const before = await counted();
      await act();
      const after = await until('it is counted', async () => {
        const now = await counted();
        return now.billed === before.billed + billed && now;
      });
      const entries = Object.entries(after).map(([name, value]) => [
        name,
        value - before[name as keyof Counted],
      ]);
      return Object.fromEntries(entries);
    }
    const WHOLE = { billed: 1, unpriced: 0, input: 1_000, output: 100, cost: expect.closeTo(PRICE, 9) };

    const events = (...said: object[]) =>
      [...said.map((event) => `data: ${JSON.stringify(event)}\n\n`), 'data: [DONE]\n\n'].join('');
    const streamed = (text: string) => (response: ServerResponse) =>
      response.writeHead(200, { 'content-type': 'text/event-stream' }).end(text);
    const { model, usage } = completion('hi') as { model: string; usage: object };
    const packed = (response: ServerResponse) =>
      response
        .writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' })
        .end(gzipSync(JSON.stringify(completion('hi'))));

    test.each<[string, Handler]>([
      ['a whole answer', (response) => answer(response, 200, completion('hi'))],
      ['one that is packed', packed],
      [
        'a stream that tells its usage',
        streamed(events({ model, choices: [] }, { model, usage, choices: [] })),
      ],
      [
        'a streamed response',
        streamed(
          events({
            type: 'response.completed',
            response: {
              model,
              usage: {
                input_tokens: 1_000,
                output_tokens: 100,
                input_tokens_details: { cached_tokens: 400 },
              },
            },
          }),
        ),
      ],
    ])('%s', async (_, serve) => {
      handle = serve;
      expect(await growth(() => gateway.send('POST', '/v1/chat/completions', { body: QUESTION }))).toEqual(
        WHOLE,
      );
    });

    test.each<[string, Handler]>([
      ['a stream that does not tell its usage', streamed(events({ model, choices: [] }))],
      ['an answer that is no JSON', (response) => answer(response, 200, 'hello')],
      [
        'one that is too long to be read',
        (response) => answer(response, 200, completion('x'.repeat(2 ** 20))),
      ],
    ])('%s is billed, and has no price', async (_, serve) => {
      handle = serve;
      const found = await growth(() => gateway.send('POST', '/v1/chat/completions', { body: QUESTION }));
      expect(found).toEqual({ billed: 1, unpriced: 1, input: 0, output: 0, cost: 0 });
    });

    test('what the provider refuses is not', async () => {
      handle = (response) => answer(response, 400, errorBody('invalid_request_error'));
      const refuse = () => gateway.send('POST', '/v1/chat/completions', { body: QUESTION });
      expect(await growth(refuse, 0)).toEqual({ billed: 0, unpriced: 0, input: 0, output: 0, cost: 0 });
    });
  });

  test('the answer streams as it comes', async () => {
    let goOn = () => {};
    const wait = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    const chunk = (content: string) =>
      `data: ${JSON.stringify({ ...completion(null), choices: [{ index: 0, delta: { content } }] })}\n\n`;
    handle = async (response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(chunk('one'));
      await wait;
      response.end(`${chunk('two')}data: [DONE]\n\n`);
    };
    const said: (string | null | undefined)[] = [];
    for await (const { choices } of await openai.chat.completions.create({ ...QUESTION, stream: true })) {
      said.push(choices[0]!.delta.content);
      // the provider ends only once the client has its beginning
      goOn();
    }
    expect(said).toEqual(['one', 'two']);
    expect(provider.received[0]!.body).toEqual({ ...QUESTION, stream: true });
  });

  test('the request streams as it comes', async () => {
    let heard = () => {};
    const hasHeard = new Promise<void>((resolve) => {
      heard = resolve;
    });
    await inFrontOf(
      async (request, response) => {
        let text = '';
        for await (const part of request) {
          text += part;
          heard();
        }
        answer(response, 200, { echo: text });
      },
      async (url) => {
        const parts = async function* () {
          yield Buffer.from('{"model": ');
          await hasHeard;
          // two keys of one name: what is in it is between the caller and the provider
          yield Buffer.from('"m", "model": "m"}');
        };
        const response = await fetch(`${url}/v1/chat/completions`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: parts() as never,
          duplex: 'half',
        } as RequestInit);
        expect(await response.json()).toEqual({ echo: '{"model": "m", "model": "m"}' });
      },
    );
  });

  test.each(['whose length is said', 'that comes in parts'])(
    'a body over the limit is refused as one of a job is: one %s',
    async (kind) => {
      let received = 0;
      await inFrontOf(
        async (request, response) => {
          request
            .on('error', () => undefined)
            .on('data', (part) => {
              received += part.length;
            });
          await once(request, 'end').catch(() => undefined);
          if (!response.destroyed) answer(response, 200, {});
        },
        async (url) => {
          const MiB = 1024 * 1024;
          const parts = async function* () {
            for (let part = 0; part < 21; part += 1) yield Buffer.alloc(MiB, 0x20);
          };
          const told = await fetch(`${url}/v1/embeddings`, {
            method: 'POST',
            headers: { 'content-type': 'application/json' },
            body: kind === 'that comes in parts' ? (parts() as never) : Buffer.alloc(21 * MiB, 0x20),
            duplex: 'half',
          } as RequestInit);
          expect([told.status, await told.json()]).toMatchObject([
            413,
            { error: { code: 'too_large', message: expect.stringContaining('The body is over') } },
          ]);
          expect(received).toBeLessThan(kind === 'that comes in parts' ? 21 * MiB : 1);
        },
      );
    },
  );

  test("the provider's refusals are the SDK's own errors, in the provider's words", async () => {
    const body = errorBody('requests', 'rate_limit_exceeded', 'Slow down.');
    handle = (response) => answer(response, 429, body, { 'retry-after': '7' });
    const error = await errorOf(ask(sdk({ maxRetries: 0 })), RateLimitError);
    expect(error).toMatchObject({ error: (body as { error: object }).error, code: 'rate_limit_exceeded' });
    expect(error.headers.get('retry-after')).toBe('7');
    expect(provider.received).toHaveLength(1);
    handle = (response) => answer(response, 400, errorBody('invalid_request_error'));
    await errorOf(ask(), OpenAI.BadRequestError);
    expect(provider.received).toHaveLength(2);
  });

  test('a redirect is not followed, and the caller is not sent there with his key', async () => {
    handle = (response, { path }) =>
      path === '/elsewhere'
        ? answer(response, 200, {})
        : answer(response, 307, '', { location: '/elsewhere' });
    const error = await errorOf(ask(), InternalServerError);
    expect(error).toMatchObject({ status: 502, code: 'provider_redirects' });
    expect(error.headers.get('location')).toBeNull();
    expect(provider.received).toHaveLength(1);
  });

  test("that the provider does not take the gateway's key is the gateway's fault, and quotes no key", async () => {
    handle = (response) =>
      answer(response, 401, errorBody('x', 'invalid_api_key', 'Incorrect: key-of-the-gateway'));
    const error = await errorOf(ask(), InternalServerError);
    expect(error).toMatchObject({ status: 502, code: 'provider_unauthorized' });
    expect(error.message).not.toContain('key-of-the-gateway');
    expect(provider.received).toHaveLength(1);
  });

  test('a call that broke off may have been executed: the SDK does not send it again', async () => {
    handle = (response) => response.socket?.resetAndDestroy();
    const error = await errorOf(ask(), InternalServerError);
    expect(error).toMatchObject({ status: 502, code: 'provider_failed' });
    expect(provider.received).toHaveLength(1);
  });

  test('a provider that is not there was sent nothing, and says so', async () => {
    const baseUrl = `http://127.0.0.1:${await findFreePort()}/v1`;
    const other = await startGateway(world, { upstream: { baseUrl, apiKey: undefined } });
    try {
      const client = sdk({ baseURL: `${other.url}/v1`, maxRetries: 0 });
      const error = await errorOf(ask(client), InternalServerError);
      expect(error).toMatchObject({ status: 502, code: 'provider_unreachable' });
      expect(error.headers.get('x-should-retry')).toBeNull();
    } finally {
      await other.stop();
    }
  });

  test('a caller who leaves ends the call', async () => {
    const leave = new AbortController();
    let ended = false;
    handle = (response) => {
      response.on('close', () => {
        ended = true;
      });
      leave.abort();
    };
    const left = openai.chat.completions.create(QUESTION, { signal: leave.signal });
    await expect(left).rejects.toThrow('aborted');
    await until("the provider's connection is closed", () => ended);
    expect(provider.received).toHaveLength(1);
  });

  test('a stream that breaks in the middle is no whole answer', async () => {
    handle = (response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' });
      response.write('{"id":', () => response.socket?.resetAndDestroy());
    };
    await expect(gateway.send('POST', '/v1/chat/completions', { body: QUESTION })).rejects.toThrow(
      'terminated',
    );
    expect(provider.received).toHaveLength(1);
  });
});
