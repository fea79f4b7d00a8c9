import { randomUUID } from 'node:crypto';
import { createServer, type Server, type Socket } from 'node:net';
import { ConfigError } from '../../src/errors';
import type { SendContext } from '../../src/once/outcome';
import { createProvider, type ProviderOptions } from '../../src/provider/openai';
import type { Provider } from '../../src/provider/provider';
import { defineTask } from '../../src/tasks/define';
import { prompt } from '../../src/tasks/prompt';
import { renderRequest } from '../../src/tasks/render';
import { answer, completion, errorBody, type Handler, type OddServer, startOddServer } from './odd-server';

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function startServer(handle: Handler): Promise<OddServer> {
  const server = await startOddServer(handle);
  closers.push(() => server.close());
  return server;
}

function connect(baseUrl: string, options: Partial<ProviderOptions> = {}): Provider {
  const provider = createProvider({
    baseUrl,
    apiKey: 'sk-secret',
    recovery: 'none',
    callTimeoutMs: 30_000,
    ...options,
  });
  closers.push(() => provider.close());
  return provider;
}

const request = renderRequest(prompt, { prompt: 'secret prompt' }, { job_id: 'job-1' });
function context(more: Partial<SendContext> = {}): SendContext {
  const call_id = randomUUID();
  return {
    key: 'acme/job-1',
    call_id,
    idempotencyKey: 'store/acme/job-1/0',
    signal: new AbortController().signal,
    ...more,
  };
}
const send = (provider: Provider, more?: Partial<SendContext>) =>
  provider.send(prompt, request, context(more));

describe('an answer', () => {
  test('comes with its result, usage, price, model and request id', async () => {
    const server = await startServer((response) =>
      answer(response, 200, completion('Hello'), { 'x-request-id': 'req-1' }),
    );
    expect(await send(connect(server.baseUrl))).toEqual({
      kind: 'answered',
      result: { text: 'Hello' },
      usage: { input_tokens: 1_000, cached_tokens: 400, output_tokens: 100, reasoning_tokens: 20 },
      cost_usd: expect.closeTo(0.00044, 9),
      model: 'gpt-4.1-mini-2025-04-14',
      request_id: 'req-1',
    });
  });

  test('without usage, model and request id has null for them', async () => {
    const server = await startServer((response) =>
      answer(response, 200, completion('', { usage: undefined, model: undefined })),
    );
    expect(await send(connect(server.baseUrl))).toEqual({
      kind: 'answered',
      result: { text: '' },
      usage: null,
      cost_usd: null,
      model: null,
      request_id: null,
    });
  });

  test('that can not be used was paid for: usage and raw text are kept', async () => {
    const server = await startServer((response) =>
      answer(
        response,
        200,
        completion('cut', { choices: [{ finish_reason: 'length', message: { content: 'cut' } }] }),
      ),
    );
    expect(await send(connect(server.baseUrl))).toMatchObject({
      kind: 'bad_answer',
      error: { code: 'truncated' },
      raw: 'cut',
      usage: { output_tokens: 100 },
      cost_usd: expect.closeTo(0.00044, 9),
    });
  });

  test('of an odd content type is read all the same', async () => {
    const server = await startServer((response) =>
      answer(response, 200, completion('Hi'), { 'content-type': 'text/plain' }),
    );
    expect(await send(connect(server.baseUrl))).toMatchObject({ kind: 'answered', result: { text: 'Hi' } });
  });
});

describe('what is sent', () => {
  const accept: Handler = (response) => answer(response, 200, completion('Hello'));

  test('is the rendered request as it is, with the idempotency key, where nothing may be stored', async () => {
    const server = await startServer(accept);
    await send(connect(server.baseUrl));
    expect(server.received).toMatchObject([
      {
        method: 'POST',
        path: '/v1/chat/completions',
        headers: { 'idempotency-key': 'store/acme/job-1/0', authorization: 'Bearer sk-secret' },
      },
    ]);
    expect(server.received[0]?.body).toEqual(request);
  });

  test('carries job and call where answers are to be found again, beside metadata of its own', async () => {
    const server = await startServer(accept);
    const provider = connect(server.baseUrl, { recovery: 'stored' });
    await provider.send(
      prompt,
      { ...request, metadata: { team: 'a', job_id: 'forged' } },
      context({ call_id: 'call-1' }),
    );
    expect(server.received[0]?.body).toMatchObject({
      store: true,
      metadata: { team: 'a', job_id: 'acme/job-1', call_id: 'call-1' },
    });
  });

  test('is left alone where the request says store: false itself', async () => {
    const server = await startServer(accept);
    await connect(server.baseUrl, { recovery: 'stored' }).send(
      prompt,
      { ...request, store: false },
      context(),
    );
    expect(server.received[0]?.body).toEqual({ ...request, store: false });
  });

  test("follows the task's own recovery", async () => {
    const server = await startServer(accept);
    const kept = defineTask({ ...short, recovery: 'stored' });
    const unkept = defineTask({ ...short, recovery: 'none' });
    await connect(server.baseUrl, { recovery: 'none' }).send(kept, request, context());
    await connect(server.baseUrl, { recovery: 'stored' }).send(unkept, request, context());
    expect(server.received.map(({ body }) => body.store)).toEqual([true, undefined]);
  });

  test('takes no key and no base URL from the environment, and no prompt to the console', async () => {
    const server = await startServer(accept);
    const before = { ...process.env };
    const log = jest.spyOn(console, 'debug').mockImplementation(() => {});
    Object.assign(process.env, {
      OPENAI_API_KEY: 'sk-env',
      OPENAI_ADMIN_KEY: 'sk-env-admin',
      OPENAI_BASE_URL: 'http://127.0.0.1:1/v1',
      OPENAI_LOG: 'debug',
    });
    try {
      expect(await send(connect(server.baseUrl))).toMatchObject({ kind: 'answered' });
      expect(await send(connect(server.baseUrl, { apiKey: undefined }))).toMatchObject({ kind: 'answered' });
      expect(JSON.stringify(server.received)).not.toContain('sk-env');
      expect(log).not.toHaveBeenCalled();
    } finally {
      process.env = before;
      log.mockRestore();
    }
  });
});

const short = {
  name: 's',
  version: '1',
  input: prompt.input,
  output: prompt.output,
  parse: prompt.parse,
  model: 'm',
  prompt: () => 'hi',
};

describe('an error status is classified, and the request sent once', () => {
  const limited = errorBody('rate_limit_error', 'rate_limit_exceeded');
  const secret = errorBody(
    'invalid_request_error',
    'invalid_api_key',
    'Incorrect API key provided: sk-secret',
  );
  test.each<[string, number, unknown, object, object]>([
    [
      '429 with Retry-After',
      429,
      limited,
      { 'retry-after': '1800' },
      { kind: 'not_executed', reason: 'rate_limited', retryAfterMs: 1_800_000 },
    ],
    [
      '429 of a gateway',
      429,
      '<h1>Too many</h1>',
      { 'retry-after': '1' },
      { kind: 'unknown', reason: 'the provider answered status 429' },
    ],
    ['401 that quotes the key', 401, secret, {}, { kind: 'not_executed', reason: 'unauthorized' }],
    ['400', 400, secret, {}, { kind: 'rejected' }],
    [
      '500 in HTML',
      500,
      '<h1>Oops</h1>',
      {},
      { kind: 'unknown', reason: 'the provider answered status 500' },
    ],
    [
      '500 with an error body of a server that is not OpenAI',
      500,
      errorBody('server_error'),
      {},
      { kind: 'unknown' },
    ],
    [
      '503 that asks to be retried',
      503,
      errorBody('server_error'),
      { 'x-should-retry': 'true' },
      { kind: 'unknown' },
    ],
    ['408', 408, errorBody('timeout'), {}, { kind: 'unknown' }],
    ['409', 409, errorBody('conflict'), {}, { kind: 'unknown' }],
    [
      '200 in HTML',
      200,
      '<h1>Log in</h1>',
      {},
      { kind: 'unknown', reason: "the answer can't be read (status 200)" },
    ],
    ['200 with nothing', 200, '', {}, { kind: 'unknown' }],
    ['200 with a bare text', 200, '"ok"', {}, { kind: 'unknown' }],
    ['200 with an error in it', 200, errorBody('server_error'), {}, { kind: 'unknown' }],
    ['204', 204, '', {}, { kind: 'unknown' }],
  ])('%s', async (_, status, body, headers, outcome) => {
    const server = await startServer((response) => answer(response, status, body, headers));
    const got = await send(connect(server.baseUrl));
    expect(got).toMatchObject(outcome);
    expect(server.received).toHaveLength(1);
    expect(JSON.stringify(got)).not.toMatch(/secret/);
  });

  test('a 421, which fetch by itself would send again, is sent once', async () => {
    const server = await startServer((response) => answer(response, 421, ''));
    expect(await send(connect(server.baseUrl))).toEqual({
      kind: 'unknown',
      reason: 'the connection failed after the request was sent (ERR_SECOND_SEND)',
    });
    expect(server.received).toHaveLength(1);
  });

  test('a redirect is not followed', async () => {
    const target = await startServer((response) => answer(response, 200, completion('Hello')));
    const server = await startServer((response) =>
      answer(response, 307, '', { location: `${target.baseUrl}/chat/completions` }),
    );
    expect(await send(connect(server.baseUrl))).toMatchObject({ kind: 'unknown' });
    expect([server.received.length, target.received.length]).toEqual([1, 0]);
  });
});

describe('a connection that fails', () => {
  test('while nobody listens: not executed', async () => {
    const server = await startOddServer(() => {});
    await server.close();
    expect(await send(connect(server.baseUrl))).toEqual({
      kind: 'not_executed',
      reason: 'unreachable',
      message: 'No connection to the provider (ECONNREFUSED).',
    });
  });

  test('for want of a host: not executed', async () => {
    const outcome = await send(connect('http://no-such-host.invalid/v1'));
    expect(outcome).toMatchObject({ kind: 'not_executed', reason: 'unreachable' });
  });

  test('in the TLS handshake: not executed, though the code is that of a reset', async () => {
    const url = await startRawServer((socket) => socket.once('data', () => socket.resetAndDestroy()));
    expect(await send(connect(url.replace('http:', 'https:')))).toEqual({
      kind: 'not_executed',
      reason: 'unreachable',
      message: 'No connection to the provider (ECONNRESET).',
    });
  });

  test('since the server speaks no TLS: not executed', async () => {
    const server = await startServer(() => {});
    const outcome = await send(connect(server.baseUrl.replace('http:', 'https:')));
    expect(outcome).toMatchObject({ kind: 'not_executed', reason: 'unreachable' });
    expect(server.received).toHaveLength(0);
  });

  test('by a reset once the request has come: unknown', async () => {
    const server = await startServer((response) => (response.socket as Socket).resetAndDestroy());
    expect(await send(connect(server.baseUrl))).toMatchObject({
      kind: 'unknown',
      reason: expect.stringMatching(/ECONNRESET|UND_ERR_SOCKET/),
    });
    expect(server.received).toHaveLength(1);
  });

  test('by a close without an answer: unknown', async () => {
    const server = await startServer((response) => response.socket?.end());
    expect(await send(connect(server.baseUrl))).toMatchObject({ kind: 'unknown' });
    expect(server.received).toHaveLength(1);
  });

  test('on a connection kept from the call before: unknown, and not sent again', async () => {
    const known = new Set<unknown>();
    const server = await startServer((response) => {
      if (known.has(response.socket)) return response.socket?.destroy();
      known.add(response.socket);
      answer(response, 200, completion('Hello'));
    });
    const provider = connect(server.baseUrl);
    let sent = 1;
    let outcome = await send(provider);
    // A connection is free again a moment after its answer was read; till then a call opens a new one.
    for (; outcome.kind === 'answered' && sent < 100; sent++) outcome = await send(provider);
    expect(outcome).toMatchObject({ kind: 'unknown' });
    expect(server.received).toHaveLength(sent);
  });

  test('in the middle of the answer: unknown', async () => {
    const server = await startServer((response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' });
      response.write('{"choices": [', () => response.socket?.destroy());
    });
    expect(await send(connect(server.baseUrl))).toEqual({
      kind: 'unknown',
      reason: "the answer can't be read (status 200)",
    });
  });

  test('in the middle of an error body: the status stands, the body is not the provider’s', async () => {
    const server = await startServer((response) => {
      response.writeHead(429, { 'content-type': 'application/json', 'content-length': '1000' });
      response.write('{"error": {', () => response.socket?.destroy());
    });
    expect(await send(connect(server.baseUrl))).toEqual({
      kind: 'unknown',
      reason: 'the provider answered status 429',
    });
  });
});

describe('a call that takes too long or is aborted', () => {
  test("ends at the configured time, or at the task's own: unknown", async () => {
    const server = await startServer(() => {});
    expect(await send(connect(server.baseUrl, { callTimeoutMs: 60 }))).toEqual({
      kind: 'unknown',
      reason: 'no answer within 60ms',
    });
    const hasty = defineTask({ ...short, callTimeout: '50ms' });
    expect(await connect(server.baseUrl).send(hasty, request, context())).toEqual({
      kind: 'unknown',
      reason: 'no answer within 50ms',
    });
    expect(server.received).toHaveLength(2);
  });

  test('ends when the caller aborts it while it hangs: unknown, and the connection is closed', async () => {
    const caller = new AbortController();
    let noteClosed = () => {};
    const closed = new Promise<void>((resolve) => {
      noteClosed = resolve;
    });
    const server = await startServer((response) => {
      response.on('close', noteClosed);
      caller.abort();
    });
    expect(await send(connect(server.baseUrl), { signal: caller.signal })).toEqual({
      kind: 'unknown',
      reason: 'aborted',
    });
    await closed;
  });

  test('ends when the caller aborts it in the middle of the answer: unknown', async () => {
    const caller = new AbortController();
    const server = await startServer((response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.write('{"choices": [', () => caller.abort());
    });
    expect(await send(connect(server.baseUrl), { signal: caller.signal })).toEqual({
      kind: 'unknown',
      reason: 'aborted',
    });
  });

  test('is not sent at all once it is aborted: not executed', async () => {
    const server = await startServer(() => {});
    expect(await send(connect(server.baseUrl), { signal: AbortSignal.abort() })).toMatchObject({
      kind: 'not_executed',
      reason: 'aborted',
    });
    expect(server.received).toHaveLength(0);
  });
});

describe('the settings', () => {
  test.each([
    [undefined, 'api.openai.com', true],
    ['https://api.openai.com/v1/', 'api.openai.com', true],
    ['https://api.openai.com.evil.example/v1', 'api.openai.com.evil.example', false],
    ['https://example.com/api.openai.com/v1', 'example.com', false],
    ['http://127.0.0.1:4000/v1', '127.0.0.1:4000', false],
  ])('the base URL %p is at %s; is it the OpenAI API: %p', (baseUrl, host, openaiApi) => {
    expect(createProvider({ baseUrl, apiKey: 'k', recovery: 'auto', callTimeoutMs: 1 })).toMatchObject({
      host,
      openaiApi,
    });
  });

  test.each<[string, Partial<ProviderOptions>, RegExp]>([
    [
      'no key for the OpenAI API',
      { apiKey: undefined },
      /^OPENAI_API_KEY is not set; set it, or OPENAI_BASE_URL/,
    ],
    [
      'a key with a line break inside',
      { apiKey: 'sk-\nsecret' },
      /^OPENAI_API_KEY holds spaces or characters/,
    ],
    ['a base URL that is none', { baseUrl: 'localhost:4000' }, /^OPENAI_BASE_URL is no usable URL/],
    [
      'a base URL with a password',
      { baseUrl: 'https://me:secret@example.com/v1' },
      /^OPENAI_BASE_URL is no usable URL/,
    ],
  ])('%s is refused in a sentence that does not show it', (_, options, message) => {
    const attempt = () => createProvider({ apiKey: 'k', recovery: 'auto', callTimeoutMs: 1, ...options });
    expect(attempt).toThrow(ConfigError);
    expect(attempt).toThrow(message);
    expect(attempt).not.toThrow(/secret/);
  });

  test('a key that was pasted with a line break at its end works', async () => {
    const server = await startServer((response) => answer(response, 200, completion('Hello')));
    await send(connect(server.baseUrl, { apiKey: ' sk-1\n' }));
    expect(server.received[0]?.headers.authorization).toBe('Bearer sk-1');
  });
});

async function startRawServer(onConnection: (socket: Socket) => void): Promise<string> {
  const server: Server = createServer((socket) => {
    socket.on('error', () => {});
    onConnection(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closers.push(() => new Promise((resolve) => server.close(resolve)));
  return `http://127.0.0.1:${(server.address() as { port: number }).port}/v1`;
}
