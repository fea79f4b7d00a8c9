import { z } from 'zod';
import { responseOutcome } from '../../src/provider/response-outcome';
import { defineTask } from '../../src/tasks/define';

const task = defineTask({
  name: 'greet',
  version: '1',
  input: z.object({}),
  output: z.object({ text: z.string() }),
  model: 'gpt-5-mini',
  prompt: () => 'Hi',
});
const OPENAI = { baseUrl: 'https://api.openai.com/v1', openaiApi: true };
const OTHER = { baseUrl: 'http://127.0.0.1:1/v1', openaiApi: false };

const message = (...content: object[]) => ({ type: 'message', role: 'assistant', content });
const text = (said: string) => ({ type: 'output_text', text: said, annotations: [] });
const completed = (...output: object[]) => ({
  id: 'resp_1',
  status: 'completed',
  model: 'gpt-5-mini',
  output,
});
const USAGE = {
  input_tokens: 1_000,
  input_tokens_details: { cached_tokens: 100 },
  output_tokens: 50,
  output_tokens_details: { reasoning_tokens: 20 },
};

test('a completed response is an answer, with usage, price, model and its own id', () => {
  const response = {
    ...completed({ type: 'reasoning', summary: [] }, message(text('{"text":"hi"}'))),
    usage: USAGE,
  };
  const outcome = responseOutcome(task, response, OPENAI);
  expect(outcome).toEqual({
    kind: 'answered',
    result: { text: 'hi' },
    model: 'gpt-5-mini',
    request_id: 'resp_1',
    usage: { input_tokens: 1_000, cached_tokens: 100, output_tokens: 50, reasoning_tokens: 20 },
    cost_usd: expect.any(Number),
  });
});

test('text in several parts is one text; usage that is not said is null', () => {
  const response = completed(message(text('{"text":'), text('"hi"}')));
  expect(responseOutcome(task, response, OPENAI)).toMatchObject({
    kind: 'answered',
    result: { text: 'hi' },
    usage: null,
    cost_usd: null,
  });
});

test.each<[string, object, string, string]>([
  ['off the schema', completed(message(text('{"text":7}'))), 'output_invalid', '{"text":7}'],
  ['no JSON', completed(message(text('hello'))), 'output_invalid', 'hello'],
  ['refused', completed(message({ type: 'refusal', refusal: 'No.' })), 'refused', 'No.'],
  [
    'cut off',
    {
      ...completed(message(text('{"te'))),
      status: 'incomplete',
      incomplete_details: { reason: 'max_output_tokens' },
    },
    'truncated',
    '{"te',
  ],
  [
    'filtered',
    {
      ...completed(message(text('{"te'))),
      status: 'incomplete',
      incomplete_details: { reason: 'content_filter' },
    },
    'refused',
    '{"te',
  ],
  [
    'incomplete for another reason',
    { ...completed(message(text('x'))), status: 'incomplete' },
    'truncated',
    'x',
  ],
])('an answer that is %s was paid for; its raw text is kept', (_, response, code, raw) => {
  expect(responseOutcome(task, response, OPENAI)).toMatchObject({ kind: 'bad_answer', error: { code }, raw });
});

test.each([[[]], [[{ type: 'function_call', name: 'f', arguments: '{}' }]], [null], ['odd']])(
  'a completed response without a text, %j, is an unusable answer',
  (output) => {
    const response = { id: 'resp_1', status: 'completed', output };
    expect(responseOutcome(task, response, OPENAI)).toMatchObject({
      kind: 'bad_answer',
      error: { code: 'output_invalid' },
    });
  },
);

test.each(['queued', 'in_progress'])('%s is running', (status) => {
  expect(responseOutcome(task, { id: 'resp_1', status }, OPENAI)).toEqual({ kind: 'running' });
});

const failed = (code: unknown, usage: unknown = null) => ({
  id: 'r',
  status: 'failed',
  error: { code },
  usage,
});

test.each<[string, object, typeof OPENAI, string]>([
  ["a passing failure, by OpenAI's word", failed('server_error'), OPENAI, 'stated_failure'],
  ["a rate limit, by OpenAI's word", failed('rate_limit_exceeded'), OPENAI, 'stated_failure'],
  ["a request that can't be, by OpenAI's word", failed('invalid_prompt'), OPENAI, 'rejected'],
  ['a failure that tells of output', failed('server_error', USAGE), OPENAI, 'unknown'],
  ['a failure without a code', failed(undefined), OPENAI, 'unknown'],
  ["another server's failure", failed('server_error'), OTHER, 'unknown'],
  ["another server's refusal", failed('invalid_prompt'), OTHER, 'unknown'],
  ['cancelled by somebody', { id: 'r', status: 'cancelled' }, OPENAI, 'unknown'],
  ['a status of tomorrow', { id: 'r', status: 'paused' }, OPENAI, 'unknown'],
])('%s is %s', (_, response, source, kind) => {
  expect(responseOutcome(task, response, source).kind).toBe(kind);
});

test("the provider's own words, which may quote the prompt, are in no message", () => {
  const response = { id: 'r', status: 'failed', error: { code: 'server_error', message: 'secret' } };
  for (const source of [OPENAI, OTHER]) {
    expect(JSON.stringify(responseOutcome(task, response, source))).not.toContain('secret');
  }
});
