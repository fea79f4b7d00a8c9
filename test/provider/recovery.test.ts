import { type OfflineModel, startOfflineModel } from '../../src/dev/offline/client';
import { UnreachableError } from '../../src/errors';
import type { SendContext } from '../../src/once/outcome';
import { createProvider, type ProviderOptions } from '../../src/provider/openai';
import type { Provider } from '../../src/provider/provider';
import { effectiveRecovery } from '../../src/provider/recovery';
import { enrich } from '../../src/tasks/enrich';
import { prompt } from '../../src/tasks/prompt';
import { renderRequest } from '../../src/tasks/render';
import type { RecoverySetting } from '../../src/tasks/task';
import { answer, completion, errorBody, type Handler, startOddServer } from './odd-server';

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

const signal = new AbortController().signal;
const request = renderRequest(enrich, { title: 'the third man', category: 'Thriller' }, { job_id: 'film-1' });
const context = (key: string, call_id: string): SendContext => ({
  key,
  call_id,
  idempotencyKey: `store/${key}/0`,
  signal,
});

function connect(baseUrl: string, options: Partial<ProviderOptions> = {}): Provider {
  const provider = createProvider({
    baseUrl,
    apiKey: 'sk-secret',
    recovery: 'stored',
    callTimeoutMs: 30_000,
    ...options,
  });
  closers.push(() => provider.close());
  return provider;
}

describe('the recovery in force', () => {
  test.each<[RecoverySetting | undefined, RecoverySetting, boolean, string]>([
    [undefined, 'auto', true, 'stored'],
    [undefined, 'auto', false, 'none'],
    [undefined, 'stored', false, 'stored'],
    [undefined, 'none', true, 'none'],
    ['none', 'stored', true, 'none'],
    ['stored', 'none', false, 'stored'],
    ['auto', 'none', true, 'stored'],
    ['auto', 'stored', false, 'none'],
  ])('task %p, configured %p, OpenAI API %p: %s', (task, configured, openaiApi, recovery) => {
    expect(effectiveRecovery({ recovery: task }, configured, openaiApi)).toBe(recovery);
  });
});

describe('with the offline model', () => {
  let model: OfflineModel;
  beforeAll(async () => {
    model = await startOfflineModel();
  });
  afterAll(() => model.stop());
  afterEach(() => model.rules());

  test('an answer that was lost after it was paid for is found, whole, and paid once', async () => {
    const provider = connect(model.baseUrl);
    await model.rules({ match: { job_id: 'film-1' }, do: { reset: 'after_billing' } });
    expect(await provider.send(enrich, request, context('film-1', 'call-1'))).toMatchObject({
      kind: 'unknown',
    });
    const found = await provider.lookUp(enrich)?.({ key: 'film-1', callIds: ['call-1'], signal });
    expect(found).toEqual([
      {
        call_id: 'call-1',
        outcome: expect.objectContaining({
          kind: 'answered',
          result: { normalized_title: expect.stringMatching(/third man/i), category: 'Thriller' },
          usage: expect.objectContaining({
            input_tokens: expect.any(Number),
            output_tokens: expect.any(Number),
          }),
          model: request.model,
          request_id: expect.any(String),
        }),
      },
    ]);
    expect(model.billed('film-1')).toBe(1);
  });

  test('only the calls that are asked for are found, oldest first', async () => {
    const provider = connect(model.baseUrl);
    for (const call of ['call-1', 'call-2', 'call-3'])
      await provider.send(enrich, request, context('film-2', call));
    await provider.send(enrich, request, context('film-20', 'call-4'));
    const found = await provider.lookUp(enrich)?.({
      key: 'film-2',
      callIds: ['call-3', 'call-1', 'call-4'],
      signal,
    });
    expect(found?.map(({ call_id }) => call_id)).toEqual(['call-1', 'call-3']);
  });

  test('a call that the provider knows nothing of finds nothing', async () => {
    const provider = connect(model.baseUrl);
    expect(await provider.lookUp(enrich)?.({ key: 'film-3', callIds: ['call-1'], signal })).toEqual([]);
  });

  test('a bad answer is found as what it is', async () => {
    const provider = connect(model.baseUrl);
    await model.rules({
      match: { job_id: 'film-4' },
      do: { finish_reason: 'length', reset: 'after_billing' },
    });
    await provider.send(enrich, request, context('film-4', 'call-1'));
    expect(await provider.lookUp(enrich)?.({ key: 'film-4', callIds: ['call-1'], signal })).toMatchObject([
      { call_id: 'call-1', outcome: { kind: 'bad_answer', error: { code: 'truncated' } } },
    ]);
  });

  test('forget erases the stored answers of these calls and no others, and may be repeated', async () => {
    const provider = connect(model.baseUrl);
    for (const call of ['call-1', 'call-2', 'call-3'])
      await provider.send(enrich, request, context('film-5', call));
    await provider.forget('film-5', ['call-1', 'call-2']);
    await provider.forget('film-5', ['call-1', 'call-2']);
    const found = await provider.lookUp(enrich)?.({
      key: 'film-5',
      callIds: ['call-1', 'call-2', 'call-3'],
      signal,
    });
    expect(found?.map(({ call_id }) => call_id)).toEqual(['call-3']);
  });

  test('where nothing may be stored, nothing is sent along, nobody is asked, and forget asks nobody', async () => {
    const provider = connect(model.baseUrl, { recovery: 'none' });
    const before = await model.state();
    await provider.send(enrich, request, context('film-6', 'call-1'));
    expect(provider.lookUp(enrich)).toBeNull();
    await provider.forget('film-6', ['call-1']);
    const after = await model.state();
    expect([after.stored - before.stored, after.lists - before.lists]).toEqual([0, 0]);
  });

  test.each<[string, object]>([
    ['fails', { status: 500 }],
    ['limits the rate', { status: 429 }],
    ['resets the connection', { reset: 'before' }],
    ['answers nonsense', { not_json: true }],
  ])('a provider that %s when asked is an error, not "nothing there"', async (_, action) => {
    const provider = connect(model.baseUrl);
    await model.rules({ match: { route: 'list' }, do: action });
    const asked = provider.lookUp(enrich)?.({ key: 'film-7', callIds: ['call-1'], signal });
    await expect(asked).rejects.toThrow(UnreachableError);
    await expect(asked).rejects.toThrow(/^The provider can't be asked for stored answers now \(.+\)\.$/);
  });
});

describe('with other servers', () => {
  async function startServer(handle: Handler) {
    const server = await startOddServer(handle);
    closers.push(() => server.close());
    return server;
  }
  const stored = (id: string, call_id: string, more: object = {}) =>
    completion(`text of ${id}`, { id, metadata: { job_id: 'job-1', call_id }, ...more });
  const page = (data: unknown[], has_more = false) => ({ object: 'list', data, has_more });
  const lookUp = (provider: Provider, callIds = ['call-1', 'call-2']) =>
    provider.lookUp(prompt)?.({ key: 'job-1', callIds, signal });

  test('every page is read, in the order of creation', async () => {
    const server = await startServer((response, { path }) => {
      const after = new URL(path, 'http://x').searchParams.get('after');
      const first = page([stored('c-1', 'other'), stored('c-2', 'call-2', { created: 20 })], true);
      answer(response, 200, after === 'c-2' ? page([stored('c-3', 'call-1', { created: 10 })]) : first);
    });
    const found = await lookUp(connect(server.baseUrl));
    expect(found?.map(({ outcome }) => outcome)).toMatchObject([
      { result: { text: 'text of c-3' } },
      { result: { text: 'text of c-2' } },
    ]);
    expect(server.received.map(({ path }) => decodeURIComponent(path))).toEqual([
      expect.stringContaining('metadata[job_id]=job-1'),
      expect.stringContaining('after=c-2'),
    ]);
  });

  test("a server that ignores the filter never makes another job's answer ours", async () => {
    const server = await startServer((response) =>
      answer(
        response,
        200,
        page([stored('c-1', 'foreign'), completion('unmarked', { id: 'c-2', metadata: {} })]),
      ),
    );
    expect(await lookUp(connect(server.baseUrl))).toEqual([]);
  });

  test('a server that pages without end is an error', async () => {
    const server = await startServer((response) =>
      answer(response, 200, page([stored('c-1', 'foreign')], true)),
    );
    await expect(lookUp(connect(server.baseUrl))).rejects.toThrow(UnreachableError);
  });

  test('what is listed without its message or its metadata is fetched by id', async () => {
    const server = await startServer((response, { path }) => {
      if (path.endsWith('/c-1')) return answer(response, 200, stored('c-1', 'call-1'));
      if (path.endsWith('/c-2')) return answer(response, 200, stored('c-2', 'call-2'));
      if (path.endsWith('/c-3')) return answer(response, 404, errorBody('not_found'));
      answer(
        response,
        200,
        page([
          stored('c-1', 'call-1', { choices: undefined }),
          completion('', { id: 'c-2' }),
          completion('', { id: 'c-3' }),
        ]),
      );
    });
    const found = await lookUp(connect(server.baseUrl));
    expect(found?.map(({ outcome }) => outcome)).toMatchObject([
      { result: { text: 'text of c-1' } },
      { result: { text: 'text of c-2' } },
    ]);
  });

  test('an answer whose message the server does not give is no answer yet', async () => {
    const server = await startServer((response, { path }) => {
      const bare = stored('c-1', 'call-1', { choices: [] });
      answer(response, 200, path.endsWith('/c-1') ? bare : page([bare]));
    });
    expect(await lookUp(connect(server.baseUrl))).toEqual([]);
  });

  test('no call ids, no question', async () => {
    const server = await startServer((response) => answer(response, 200, page([])));
    expect(await lookUp(connect(server.baseUrl), [])).toEqual([]);
    expect(server.received).toHaveLength(0);
  });

  test("neither the key nor the provider's words are in the error", async () => {
    const server = await startServer((response) =>
      answer(response, 401, errorBody('auth', 'invalid_api_key', 'Incorrect API key provided: sk-secret')),
    );
    const error = (await lookUp(connect(server.baseUrl))?.catch((e) => e)) as UnreachableError;
    expect(error).toMatchObject({
      part: 'provider',
      message: expect.stringContaining('(status 401)'),
      cause: undefined,
    });
    expect(JSON.stringify(error) + error.stack).not.toContain('sk-secret');
  });

  test('a look-up ends with its signal', async () => {
    const asker = new AbortController();
    const server = await startServer(() => asker.abort());
    const asked = connect(server.baseUrl).lookUp(prompt)?.({
      key: 'job-1',
      callIds: ['call-1'],
      signal: asker.signal,
    });
    await expect(asked).rejects.toThrow(UnreachableError);
  });

  test('forget reports what it could not delete, and takes what is gone for deleted', async () => {
    let status = 500;
    const server = await startServer((response, { method }) =>
      method === 'DELETE'
        ? answer(response, status, errorBody('x'))
        : answer(response, 200, page([stored('c-1', 'call-1')])),
    );
    const provider = connect(server.baseUrl);
    await expect(provider.forget('job-1', ['call-1'])).rejects.toThrow(UnreachableError);
    status = 404;
    await provider.forget('job-1', ['call-1']);
    expect(server.received.filter(({ method }) => method === 'DELETE')).toHaveLength(2);
  });
});
