import { readUsage } from '../../src/provider/answer';
import { priceUsd } from '../../src/provider/price';
import { DEFAULT_MODEL } from '../../src/tasks/default-model';

const usage = {
  input_tokens: 1_000_000,
  cached_tokens: null,
  output_tokens: 1_000_000,
  reasoning_tokens: null,
};
const openai = 'https://api.openai.com/v1';

test('a known model has its list price, dated names too', () => {
  expect(priceUsd('gpt-4.1-mini', usage, openai)).toBeCloseTo(2.0, 9);
  expect(priceUsd('gpt-4.1-mini-2025-04-14', usage, openai)).toBeCloseTo(2.0, 9);
});

test('cached tokens cost less', () => {
  expect(priceUsd('gpt-4.1-mini', { ...usage, cached_tokens: 400_000 }, openai)).toBeCloseTo(
    0.24 + 0.04 + 1.6,
    9,
  );
});

test('the price of the default model is known', () => {
  expect(priceUsd(DEFAULT_MODEL, usage, openai)).toBeGreaterThan(0);
});

test("a gateway's OpenAI models have OpenAI's price, its own models none", () => {
  expect(priceUsd('gpt-4.1-mini', usage, 'http://127.0.0.1:4000/v1')).toBeCloseTo(2.0, 9);
  expect(priceUsd('llama3.2', usage, 'http://127.0.0.1:11434/v1')).toBeNull();
});

test.each([
  ['an unknown model', 'offline-stand-in', usage],
  ['no model', null, usage],
  ['no usage', 'gpt-4.1-mini', null],
  ['no input count', 'gpt-4.1-mini', { ...usage, input_tokens: null }],
  ['no output count', 'gpt-4.1-mini', { ...usage, output_tokens: null }],
  ['counts that contradict each other', 'gpt-4.1-mini', { ...usage, cached_tokens: 2_000_000 }],
])('%s has no price: null, never 0', (_, model, counts) => {
  expect(priceUsd(model, counts, openai)).toBeNull();
});

test('usage is told in our words', () => {
  expect(
    readUsage({
      prompt_tokens: 10,
      completion_tokens: 5,
      prompt_tokens_details: { cached_tokens: 4 },
      completion_tokens_details: { reasoning_tokens: 0 },
    }),
  ).toEqual({ input_tokens: 10, cached_tokens: 4, output_tokens: 5, reasoning_tokens: 0 });
});

test('what the provider does not say of usage is null, never 0', () => {
  expect([readUsage(undefined), readUsage(null), readUsage('12')]).toEqual([null, null, null]);
  expect(readUsage({ prompt_tokens: 10, completion_tokens: -1, prompt_tokens_details: null })).toEqual({
    input_tokens: 10,
    cached_tokens: null,
    output_tokens: null,
    reasoning_tokens: null,
  });
});
