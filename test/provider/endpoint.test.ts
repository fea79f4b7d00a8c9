import type { SendContext } from '../../src/once/outcome';
import { createProvider, type ProviderOptions } from '../../src/provider/openai';
import type { Provider } from '../../src/provider/provider';
import { effectiveRecovery } from '../../src/provider/recovery';
import { chatCompletions, responses } from '../../src/tasks/endpoint';
import { renderRequest } from '../../src/tasks/render';
import type { RecoverySetting, Task } from '../../src/tasks/task';
import { answer, completion, errorBody, type Handler, type OddServer, startOddServer } from './odd-server';

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

const CONTEXT: SendContext = {
  key: 'acme/job-1',
  call_id: 'call-1',
  idempotencyKey: 'store/acme/job-1/1',
  signal: new AbortController().signal,
};
const CHAT = { model: 'gpt-6-luna', messages: [{ role: 'user', content: 'hi' }], top_nonsense: [1, null] };
const ASK = { model: 'gpt-6-luna', input: 'hi', other_nonsense: { deep: true } };
const RESPONSE = { id: 'resp_1', object: 'response', status: 'completed', model: 'gpt-6-luna', output: [] };

async function connect(handler: Handler, options: Partial<ProviderOptions> = {}) {
  const server = await startOddServer(handler);
  const provider = createProvider({
    baseUrl: server.baseUrl,
    apiKey: 'sk-secret',
    recovery: 'stored',
    callTimeoutMs: 30_000,
    ...options,
  });
  closers.push(
    () => server.close(),
    () => provider.close(),
  );
  return { server, provider };
}

const send = (provider: Provider, task: Task, input: object) =>
  provider.send(task, renderRequest(task, input, { job_id: 'job-1' }), CONTEXT);
const lastBody = ({ received }: OddServer) => received.at(-1)?.body;

test.each<[RecoverySetting, 'stored' | 'background' | 'none', 'stored' | 'background' | 'none']>([
  ['auto', 'stored', 'none'],
  ['stored', 'stored', 'none'],
  ['background', 'stored', 'background'],
  ['none', 'none', 'none'],
])('configured %p at the OpenAI API, completions have %p and responses %p', (setting, chat, response) => {
  expect(effectiveRecovery(chatCompletions, setting, true)).toBe(chat);
  expect(effectiveRecovery(responses, setting, true)).toBe(response);
});

test('a completion comes whole, and its request as the caller wrote it but for what recovery needs', async () => {
  const body = completion('{"not": "judged"', { own_field: 1 });
  const { server, provider } = await connect((response) => answer(response, 200, body));
  const outcome = await send(provider, chatCompletions, { ...CHAT, metadata: { team: 'blue' } });
  expect(outcome).toMatchObject({ kind: 'answered', result: body, usage: { input_tokens: 1000 } });
  const metadata = { team: 'blue', job_id: 'acme/job-1', call_id: 'call-1' };
  expect(lastBody(server)).toEqual({ ...CHAT, store: true, metadata });
});

test.each([
  ['says that nothing may be stored', { store: false }],
  ['has metadata of our names', { metadata: { job_id: 'his' } }],
  ['has no room in his metadata', { metadata: Object.fromEntries([...Array(15)].map((_, i) => [i, 'x'])) }],
  ['has metadata that are none', { metadata: ['x'] }],
])('a caller who %s has his request sent untouched', async (_, fields) => {
  const { server, provider } = await connect((response) => answer(response, 200, completion('hi')));
  await send(provider, chatCompletions, { ...CHAT, ...fields });
  expect(lastBody(server)).toEqual({ ...CHAT, ...fields });
});

test('a response is asked for by a plain call; what the provider keeps of it can be deleted', async () => {
  const { server, provider } = await connect((response) => answer(response, 200, RESPONSE));
  expect(await send(provider, responses, ASK)).toMatchObject({
    kind: 'answered',
    result: RESPONSE,
    operation: 'resp_1',
  });
  expect(server.received[0]).toMatchObject({ path: '/v1/responses', body: ASK });
  expect(server.received[0]!.headers['idempotency-key']).toBe(CONTEXT.idempotencyKey);
  expect(provider.lookUp(responses)).toBeNull();
  expect(await send(provider, responses, { ...ASK, store: false })).not.toHaveProperty('operation');
  await provider.forget('acme/job-1', [], responses, ['resp_1']);
  expect(server.received.at(-1)).toMatchObject({ method: 'DELETE', path: '/v1/responses/resp_1' });
});

test('where recovery is background a response runs so, unless its caller lets nothing be stored', async () => {
  const queued = { ...RESPONSE, status: 'queued' };
  const { server, provider } = await connect((response) => answer(response, 200, queued), {
    recovery: 'background',
  });
  const start = (input: object) =>
    provider.background?.(responses, renderRequest(responses, input, { job_id: 'job-1' }));
  expect(await start(ASK)?.(CONTEXT)).toEqual({ kind: 'started', operation: 'resp_1' });
  const metadata = { job_id: 'acme/job-1', call_id: 'call-1' };
  expect(lastBody(server)).toEqual({ ...ASK, background: true, store: true, metadata });
  expect(start({ ...ASK, store: false })).toBeNull();
});

test.each<[string, Task, object]>([
  ['completion', chatCompletions, CHAT],
  ['response', responses, ASK],
])("the provider's error about a %s is kept as it said it", async (_, task, input) => {
  const body = errorBody('invalid_request_error', 'model_not_found', 'No such model: gpt-0.');
  const { provider } = await connect((response) => answer(response, 404, body));
  expect(await send(provider, task, input)).toMatchObject({ kind: 'rejected', said: { status: 404, body } });
});

test('of an error as long as a prompt only the status is kept', async () => {
  const body = errorBody('invalid_request_error', null, 'x'.repeat(20_000));
  const { provider } = await connect((response) => answer(response, 400, body));
  const outcome = await send(provider, chatCompletions, CHAT);
  expect(outcome).toMatchObject({ kind: 'rejected', said: { status: 400, body: null } });
});

test('a 2xx that is no answer, and a response that has not ended, are unknown', async () => {
  let body: object = { id: 'x' };
  const { provider } = await connect((response) => answer(response, 200, body));
  expect(await send(provider, chatCompletions, CHAT)).toMatchObject({ kind: 'unknown' });
  expect(await send(provider, responses, ASK)).toMatchObject({ kind: 'unknown' });
  body = { ...RESPONSE, status: 'queued' };
  expect(await send(provider, responses, ASK)).toMatchObject({ kind: 'unknown' });
});
