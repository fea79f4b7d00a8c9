import { parseStrictJson } from '../src/strict-json';

const parse = (text: string) => parseStrictJson(Buffer.from(text));

describe('a body', () => {
  test.each([
    '{"a": 1.5, "b": [1e3, -0, 12345678901234567890], "c": {"a": {"a": null}}, "d": "\\u0061\\"{[,:]}"}',
    '[{"a": 1}, {"a": 1}, "a", "a"]',
    '{"a": "a", "b": "a", "constructor": {"prototype": 1}, "toString": 2, "": 3}',
    '  "text"  ',
    '0',
    '{}',
    '[[], {}, [[]]]',
  ])('is read as JSON.parse reads it: %s', (text) => {
    expect(parse(text)).toEqual(JSON.parse(text));
    expect(JSON.stringify(parse(text))).toBe(JSON.stringify(JSON.parse(text)));
  });

  test.each([
    ['a key twice', '{"a": 1, "b": 2, "a": 3}', 'an object has a key twice'],
    ['a key twice with equal values', '{"a": 1, "a": 1}', 'an object has a key twice'],
    ['a key twice, once escaped', '{"a": 1, "\\u0061": 1}', 'an object has a key twice'],
    ['a key twice, deep', '[{"x": {"a": [], "b": {}, "a": []}}]', 'an object has a key twice'],
    ['a key twice after a value like it', '{"a": "a", "b": ["a", {"a": 0}], "a": "a"}', 'twice'],
    ['a prototype', '{"a": {"__proto__": {"isAdmin": true}}}', 'a key is named __proto__'],
    ['a prototype, escaped', '{"\\u005f_proto__": 1}', 'a key is named __proto__'],
    ['nesting beyond any use', `${'['.repeat(600)}${']'.repeat(600)}`, 'nested more than 512 deep'],
    ['a text without end', '{"a": "b', 'it is not JSON'],
    ['a million brackets', '['.repeat(1_000_000), 'more than 200000 values'],
    ['something after its end', '{"a": 1} x', 'it is not JSON'],
    ['two values', '{}{}', 'it is not JSON'],
    ['a comment', '{"a": 1 /* b */}', 'it is not JSON'],
    ['a trailing comma', '{"a": 1,}', 'it is not JSON'],
    ['NaN', '{"a": NaN}', 'it is not JSON'],
    ['a byte order mark', '\ufeff{}', 'it is not JSON'],
  ])('is refused for %s', (_, text, why) => {
    expect(() => parse(text)).toThrow(why);
  });

  test.each([
    ['Latin-1', Buffer.from('{"a": "\xe9"}', 'latin1')],
    ['an overlong form', Buffer.from([0x22, 0xc0, 0xaf, 0x22])],
    ['a surrogate', Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22])],
    ['UTF-16', Buffer.from('{}', 'utf16le')],
  ])('is refused where it is no UTF-8: %s', (_, bytes) => {
    expect(() => parseStrictJson(bytes)).toThrow(/it is not (UTF-8|JSON)/);
  });

  const LIMIT = 200_012;

  test.each<[string, number, (count: number) => string]>([
    ['elements', LIMIT, (count) => `[${Array(count).fill(' [ ] ').join(',')}]`],
    ['keys', LIMIT, (count) => `{${Array.from({ length: count }, (_, n) => `"${n}": {}`).join(',')}}`],
    ['both', (LIMIT - 2) / 3, (count) => `[${Array(count).fill('{"a,": [","]}').join(',')}]`],
  ])('has no more values than an input may, and the few of its wrapping: %s', (_, most, make) => {
    expect(() => parse(make(most))).not.toThrow();
    expect(() => parse(make(most + 1))).toThrow(
      'it has more than 200000 values, keys and array elements counted',
    );
  });

  test('with too many values is refused before it is read, JSON or not', () => {
    expect(() => parse(`[${'1,'.repeat(LIMIT + 1)}`)).toThrow('more than 200000 values');
  });

  test('what is refused is not shown', () => {
    for (const text of ['{"secret-key": 1, "secret-key": 1}', 'secret-text']) {
      expect(() => parse(text)).toThrow(expect.not.objectContaining({ message: /secret/ }));
    }
  });
});
