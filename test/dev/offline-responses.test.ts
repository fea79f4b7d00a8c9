import OpenAI from 'openai';
import { until } from '../support/until';
import { useOfflineModel } from './offline-support';

const harness = useOfflineModel();

const ask = (jobId: string, more: object = {}) =>
  harness.openai.responses.create({
    model: 'gpt-5-mini',
    input: [{ role: 'user', content: `Say something about ${jobId}.` }],
    background: true,
    store: true,
    metadata: { job_id: jobId, call_id: `call-of-${jobId}` },
    ...more,
  } as OpenAI.Responses.ResponseCreateParamsNonStreaming);

const rule = (job_id: string, action: object, route?: 'retrieve') =>
  harness.model.rules({ match: { job_id, ...(route && { route }) }, do: action });

const untilFinal = (id: string) =>
  until(`${id} final`, async () => {
    const response = await harness.openai.responses.retrieve(id);
    return response.status !== 'queued' && response.status !== 'in_progress' && response;
  });

const statusOf = (act: Promise<unknown>) =>
  act.then(
    () => 'answered',
    (error) => (error instanceof OpenAI.APIError ? (error.status ?? 'no connection') : error),
  );

test('a background response has its id at once, and is billed when it is executed', async () => {
  await rule('held', { hold: true });
  const queued = await ask('held');
  expect(queued).toMatchObject({ id: expect.stringMatching(/^resp_/), status: 'queued', output: [] });
  await harness.model.waitForHeld('held');
  expect(harness.model.billed('held')).toBe(0);
  expect(await harness.openai.responses.retrieve(queued.id)).toMatchObject({ status: 'queued' });
  await harness.model.release('held');
  const final = await untilFinal(queued.id);
  expect(final).toMatchObject({ id: queued.id, status: 'completed', metadata: { job_id: 'held' } });
  expect(final.output_text).toContain('stand-in');
  expect(final.usage!.output_tokens).toBeGreaterThan(0);
  expect(harness.model.billed('held')).toBe(1);
  await until('the ledger has that it went out', () => harness.phasesOf(queued.id).includes('answered'));
});

test('a response that is not in the background is answered whole', async () => {
  const response = await ask('whole', { background: false });
  expect(response).toMatchObject({ status: 'completed', background: false });
  expect(response.output_text).not.toBe('');
  expect(harness.model.billed('whole')).toBe(1);
});

test('a cancel ends a response that is running, unbilled; a final one stays as it is', async () => {
  await rule('canceled', { hold: true });
  const { id } = await ask('canceled');
  await harness.model.waitForHeld('canceled');
  expect(await harness.openai.responses.cancel(id)).toMatchObject({ id, status: 'cancelled' });
  await harness.model.waitForState(({ in_flight }) => !in_flight.some((call) => call.job_id === 'canceled'));
  expect(await harness.openai.responses.retrieve(id)).toMatchObject({ status: 'cancelled', output: [] });
  expect(harness.model.billed('canceled')).toBe(0);

  const done = await ask('done');
  await untilFinal(done.id);
  expect(await harness.openai.responses.cancel(done.id)).toMatchObject({ status: 'completed' });
  const whole = await ask('not-canceled', { background: false });
  expect(await statusOf(harness.openai.responses.cancel(whole.id))).toBe(400);
});

test('a deleted response is gone', async () => {
  const { id } = await ask('deleted');
  await untilFinal(id);
  await harness.openai.responses.delete(id);
  expect(await statusOf(harness.openai.responses.retrieve(id))).toBe(404);
  expect(await statusOf(harness.openai.responses.delete(id))).toBe(404);
});

test('what was queued outlives a crash of the model, and is billed once', async () => {
  await rule('survivor', { hold: true });
  const { id } = await ask('survivor');
  const kept = await ask('kept');
  await untilFinal(kept.id);
  await harness.model.waitForHeld('survivor');
  await harness.model.kill();
  await harness.start();
  expect(await untilFinal(id)).toMatchObject({ id, status: 'completed' });
  expect(await harness.openai.responses.retrieve(kept.id)).toMatchObject({ status: 'completed' });
  expect([harness.model.billed('survivor'), harness.model.billed('kept')]).toEqual([1, 1]);
});

test.each([
  ['truncated', { finish_reason: 'length' }, 'incomplete', { reason: 'max_output_tokens' }],
  ['filtered', { finish_reason: 'content_filter' }, 'incomplete', { reason: 'content_filter' }],
  ['failed', { fail: 'server_error' }, 'failed', null],
])('a rule makes a response %s', async (name, action, status, incomplete_details) => {
  await rule(name, action);
  const { id } = await ask(name);
  const final = await untilFinal(id);
  expect(final).toMatchObject({ status, incomplete_details });
  if (status === 'failed') expect(final.error).toMatchObject({ code: 'server_error' });
  expect(harness.model.billed(name)).toBe(status === 'failed' ? 0 : 1);
});

test.each([
  ['limited', { status: 429 }, 429, 0],
  ['reset-before', { reset: 'before' }, 'no connection', 0],
  ['reset-after', { reset: 'after_billing' }, 'no connection', 1],
])('a rule spoils the answer to the first request: %s', async (name, action, status, billed) => {
  await rule(name, action);
  expect(await statusOf(ask(name))).toBe(status);
  expect(harness.model.billed(name)).toBe(billed);
});

test('a rule of the route `retrieve` makes the provider forget, for a while', async () => {
  const { id } = await ask('forgotten');
  await untilFinal(id);
  await rule('forgotten', { status: 404 }, 'retrieve');
  expect(await statusOf(harness.openai.responses.retrieve(id))).toBe(404);
  await harness.model.rules();
  expect(await harness.openai.responses.retrieve(id)).toMatchObject({ status: 'completed' });
});

test.each([
  ['a chat option', { response_format: { type: 'text' } }, 'response_format'],
  ['background without store', { store: undefined }, 'store'],
  ['no input', { input: undefined }, 'input'],
])('%s is refused as the provider refuses it', async (_, change, word) => {
  const error = await ask('refused', change).catch((e) => e);
  expect(error).toMatchObject({ status: 400 });
  expect(error.message).toContain(word);
  expect(harness.model.billed('refused')).toBe(0);
});
