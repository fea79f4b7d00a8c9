import { z } from 'zod';
import { defineTask } from '../../src/tasks/define';
import { judgeCompletion } from '../../src/tasks/judge';
import { prompt } from '../../src/tasks/prompt';

const task = defineTask({
  name: 'order',
  version: '1',
  input: z.object({}),
  output: z.object({ items: z.array(z.object({ count: z.number() })), note: z.string().nullable() }),
  model: 'm',
  prompt: () => 'hi',
});
const completion = (content: unknown, more: object = {}, message: object = {}) => ({
  id: 'c-1',
  choices: [
    { index: 0, finish_reason: 'stop', message: { role: 'assistant', content, ...message }, ...more },
  ],
});

test('a fitting answer is the result, as plain JSON', () => {
  const result = { items: [{ count: 2 }], note: null };
  expect(judgeCompletion(task, completion(JSON.stringify(result)))).toEqual({ result });
});

test.each([null, '', [], 0, false])('%p is a result, not a miss', (value) => {
  const any = defineTask({ ...short, output: z.any(), parse: JSON.parse });
  expect(judgeCompletion(any, completion(JSON.stringify(value)))).toEqual({ result: value });
});

test('free-form text goes through parse, the empty text included', () => {
  expect(judgeCompletion(prompt, completion('Hello'))).toEqual({ result: { text: 'Hello' } });
  expect(judgeCompletion(prompt, completion(''))).toEqual({ result: { text: '' } });
});

test('what the schema makes of the answer is the result', () => {
  const dated = defineTask({ ...short, output: z.iso.date().transform((d) => new Date(d)), parse: (t) => t });
  expect(judgeCompletion(dated, completion('2024-02-29'))).toEqual({ result: '2024-02-29T00:00:00.000Z' });
});

const short = { name: 's', version: '1', input: z.object({}), model: 'm', prompt: () => 'hi' };
const throwing = () => {
  throw new Error('secret');
};
const valid = '{"items":[],"note":null}';

interface BadCase {
  answer: ReturnType<typeof completion>;
  code: string;
  message: RegExp;
  raw?: string;
}

test.each<[string, BadCase]>([
  [
    'cut off',
    {
      answer: completion('{"items":[{"secret', { finish_reason: 'length' }),
      code: 'truncated',
      message: /cut off/,
    },
  ],
  [
    'cut off at a lucky place',
    { answer: completion(valid, { finish_reason: 'length' }), code: 'truncated', message: /cut off/ },
  ],
  [
    'refused',
    {
      answer: completion(null, {}, { refusal: 'secret no' }),
      code: 'refused',
      message: /refused/,
      raw: 'secret no',
    },
  ],
  [
    'filtered',
    { answer: completion('secret', { finish_reason: 'content_filter' }), code: 'refused', message: /filter/ },
  ],
  ['not JSON', { answer: completion('Sure! secret'), code: 'output_invalid', message: /not JSON/ }],
  [
    'off schema',
    {
      answer: completion('{"items":[{"count":"secret"}],"note":null}'),
      code: 'output_invalid',
      message: /at items\.0\.count \(invalid_type, expected number\)/,
    },
  ],
  [
    'off schema at the top',
    {
      answer: completion('["secret"]'),
      code: 'output_invalid',
      message: /at the top level \(invalid_type, expected object\)/,
    },
  ],
  [
    'without text',
    { answer: completion(null, { finish_reason: 'tool_calls' }), code: 'output_invalid', message: /no text/ },
  ],
])(
  'an answer that is %s was paid for: its code, and its raw text kept',
  (_, { answer, code, message, raw }) => {
    const judged = judgeCompletion(task, answer);
    expect(judged).toMatchObject({ error: { code, message: expect.stringMatching(message) } });
    expect(JSON.stringify('error' in judged && judged.error)).not.toContain('secret');
    expect(judged).toHaveProperty('raw', raw ?? answer.choices[0]?.message.content ?? JSON.stringify(answer));
  },
);

test.each([
  {},
  { choices: [] },
  { choices: [{}] },
  { choices: [null] },
  { choices: null },
  [],
  null,
  'text',
  7,
])('a completion like %j has no message, and is kept as JSON', (odd) => {
  expect(judgeCompletion(task, odd)).toEqual({
    error: { code: 'output_invalid', message: 'The answer has no message.' },
    raw: JSON.stringify(odd),
  });
});

test.each<[string, Parameters<typeof defineTask>[0]]>([
  ['parse throws', { ...short, output: z.any(), parse: throwing }],
  ['the schema throws', { ...short, output: z.any().transform(throwing), parse: (t) => t }],
  ['the schema is asynchronous', { ...short, output: z.any().refine(async () => true), parse: (t) => t }],
  ['the output is no JSON', { ...short, output: z.any().transform(() => 1n), parse: (t) => t }],
  ['the output is nothing', { ...short, output: z.any().transform(() => undefined), parse: (t) => t }],
])('where %s, the answer is output_invalid and nothing is lost', (_, options) => {
  const judged = judgeCompletion(defineTask(options), completion('paid text'));
  expect(judged).toMatchObject({ error: { code: 'output_invalid' }, raw: 'paid text' });
  expect(JSON.stringify('error' in judged && judged.error)).not.toMatch(/secret|paid/);
});
