import { z } from 'zod';
import { ConfigError, UnreachableError } from '../../src/errors';
import type { Operations, Outcome, SendContext, Started } from '../../src/once/outcome';
import { createProvider, type ProviderOptions } from '../../src/provider/openai';
import type { Provider } from '../../src/provider/provider';
import { defineTask } from '../../src/tasks/define';
import { renderRequest } from '../../src/tasks/render';
import type { Task } from '../../src/tasks/task';
import { useOfflineModel } from '../dev/offline-support';
import { until } from '../support/until';

const harness = useOfflineModel();
const task = defineTask({
  name: 'greet',
  version: '1',
  input: z.object({ who: z.string() }),
  output: z.object({ text: z.string() }),
  model: 'gpt-5-mini',
  prompt: ({ who }) => `Greet ${who}.`,
});
const request = renderRequest(task, { who: 'Ann' }, { job_id: 'a' });

const providers: Provider[] = [];
afterAll(() => Promise.all(providers.map((provider) => provider.close())));

function connect(options: Partial<ProviderOptions> = {}): Provider {
  const provider = createProvider({
    baseUrl: harness.model.baseUrl,
    apiKey: 'any',
    recovery: 'background',
    callTimeoutMs: 5_000,
    ...options,
  });
  providers.push(provider);
  return provider;
}

const context = (key: string, signal = new AbortController().signal): SendContext => ({
  ...{ key, call_id: `call-of-${key}`, idempotencyKey: `store/${key}/1`, signal },
});

const start = (provider: Provider, ctx: SendContext): Promise<Started | Outcome> =>
  provider.background!(task, request)!(ctx);

async function startedId(provider: Provider, key: string): Promise<string> {
  const started = await start(provider, context(key));
  if (started.kind !== 'started') throw new Error(`it came to ${started.kind}`);
  return started.operation;
}

const rule = (job_id: string, action: object, route?: 'retrieve' | 'cancel') =>
  harness.model.rules({ match: { job_id, ...(route && { route }) }, do: action });
const never = new AbortController().signal;

function untilFinal(operations: Operations, id: string) {
  return until(`${id} final`, async () => {
    const polled = await operations.poll(id, never);
    return polled.kind !== 'running' && polled;
  });
}

test('a response is started once, by its job, call and idempotency key, and polled to its answer', async () => {
  const provider = connect();
  await rule('polled', { hold: true });
  const id = await startedId(provider, 'polled');
  const operations = provider.operations!(task);
  await harness.model.waitForHeld('polled');
  expect(await operations.poll(id, never)).toEqual({ kind: 'running' });
  await harness.model.release('polled');
  expect(await untilFinal(operations, id)).toMatchObject({
    kind: 'answered',
    result: { text: '' },
    request_id: id,
    model: 'gpt-5-mini',
    usage: { input_tokens: expect.any(Number), output_tokens: expect.any(Number) },
  });
  const entries = harness.model.ledger().filter((line) => line.phase === 'billed' && line.call === id);
  expect(entries).toMatchObject([
    { job_id: 'polled', call_id: 'call-of-polled', idempotency_key: 'store/polled/1' },
  ]);
});

test('a task that is recovered otherwise is not run in the background; a task of its own setting is', () => {
  expect(connect({ recovery: 'stored' }).background!(task, request)).toBeNull();
  expect(connect({ recovery: 'auto' }).background!(task, request)).toBeNull();
  const own: Task = { ...task, recovery: 'background' };
  expect(connect({ recovery: 'none' }).background!(own, request)).toEqual(expect.any(Function));
});

test('a request without a counterpart is refused before anything is sent', async () => {
  const { requests } = await harness.model.state();
  expect(() => connect().background!(task, { ...request, seed: 7 })).toThrow(ConfigError);
  expect((await harness.model.state()).requests).toBe(requests);
});

test.each<[string, object, string]>([
  ['429', { status: 429 }, 'not_executed'],
  ['400', { status: 400 }, 'rejected'],
  ['500', { status: 500 }, 'unknown'],
  ['a body that is no JSON', { not_json: true }, 'unknown'],
  ['half a body', { truncate: true }, 'unknown'],
  ['a reset', { reset: 'after_billing' }, 'unknown'],
  ['a response without an id', { body: { status: 'queued' } }, 'unknown'],
])('a fault of the first request, %s, is what it is for any call: sent once', async (name, action, kind) => {
  const key = name.replaceAll(' ', '-');
  await rule(key, action);
  const { requests } = await harness.model.state();
  expect((await start(connect(), context(key))).kind).toBe(kind);
  expect((await harness.model.state()).requests).toBe(requests + 1);
});

test('a first request that hangs ends by the time-out of the call', async () => {
  await rule('hangs', { hang: true });
  expect(await start(connect({ callTimeoutMs: 200 }), context('hangs'))).toMatchObject({ kind: 'unknown' });
});

test('a server that does not know the mode and answers whole is as good', async () => {
  const output = [{ type: 'message', content: [{ type: 'output_text', text: '{"text":"hi"}' }] }];
  await rule('whole', { body: { id: 'resp_1', status: 'completed', output } });
  expect(await start(connect(), context('whole'))).toMatchObject({
    kind: 'answered',
    result: { text: 'hi' },
  });
});

test('a cancel stops it, and one of a response that is final or gone is nothing', async () => {
  const provider = connect();
  await rule('canceled', { hold: true });
  const id = await startedId(provider, 'canceled');
  const operations = provider.operations!(task);
  await operations.cancel(id);
  expect(await operations.poll(id, never)).toMatchObject({ kind: 'unknown' });
  await operations.cancel(id);
  await operations.cancel('resp_of_nobody');
  expect(harness.model.billed('canceled')).toBe(0);
});

test('a response that is not known is gone', async () => {
  expect(await connect().operations!(task).poll('resp_of_nobody', never)).toEqual({ kind: 'gone' });
});

test.each<[string, object]>([
  ['500', { status: 500 }],
  ['401', { status: 401 }],
  ['a page', { not_json: true }],
  ['a reset', { reset: 'before' }],
])(
  'a poll or a cancel that the provider does not answer, %s, says so without its words',
  async (name, action) => {
    const provider = connect();
    const id = await startedId(provider, name);
    const operations = provider.operations!(task);
    await rule(name, action, 'retrieve');
    const error = await operations.poll(id, never).catch((e) => e);
    expect(error).toBeInstanceOf(UnreachableError);
    expect(error.message).not.toContain('offline model');
    if ('not_json' in action) return;
    await rule(name, action, 'cancel');
    await expect(operations.cancel(id)).rejects.toThrow(UnreachableError);
  },
);

test('a poll ends with its caller', async () => {
  const provider = connect();
  const id = await startedId(provider, 'left');
  await rule('left', { hold: true }, 'retrieve');
  const caller = new AbortController();
  const polled = provider.operations!(task).poll(id, caller.signal);
  await harness.model.waitForHeld('left');
  caller.abort();
  await expect(polled).rejects.toThrow(UnreachableError);
});

test('forget deletes responses by their ids, and those that are gone do not matter', async () => {
  const provider = connect();
  const id = await startedId(provider, 'forgotten');
  const operations = provider.operations!(task);
  await untilFinal(operations, id);
  await provider.forget('forgotten', [], undefined, [id, 'resp_of_nobody']);
  expect(await operations.poll(id, never)).toEqual({ kind: 'gone' });
});
