import { inputDigest, MAX_INPUT_VALUES } from '../src/digest';
import { InvalidInputError } from '../src/errors';

const digest = (input: unknown) => inputDigest('a', 'enrich', input);

test('an input has 200,000 values at most, keys and array elements counted; what JSON leaves out is none', () => {
  const list = (length: number) => Array.from({ length }, () => ({ a: 1, b: undefined }));
  const most = MAX_INPUT_VALUES / 2;
  expect(digest(list(most))).toMatch(/^[0-9a-f]{64}$/);
  expect(() => digest([...list(most), 1])).toThrow(InvalidInputError);
  expect(() => digest({ list: list(most) })).toThrow(/more than 200000 values/);
});
