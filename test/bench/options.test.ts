import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InvalidArgumentError } from 'commander';
import { aboveZero, outputFile, someOf, wholeNumber } from '../../bench/support/options';

test.each(['abc', '-1', '0', '1.5', '', '1e3', ' 2', '12x', '99999999999999999999'])(
  'a count of "%s" is refused with a sentence, never taken for a number',
  (text) => {
    expect(() => wholeNumber()(text)).toThrow(InvalidArgumentError);
    expect(() => wholeNumber()(text)).toThrow('It must be a whole number of 1 or more, e.g. 10.');
  },
);

test('a count, a length of time and names are taken as they were given', () => {
  expect(wholeNumber()('12')).toBe(12);
  expect(wholeNumber(0)('0')).toBe(0);
  expect(aboveZero(100, 5)('0.5')).toBe(0.5);
  expect(someOf(['sqlite', 'postgres'])('postgres, sqlite')).toEqual(['postgres', 'sqlite']);
});

test.each(['0', '-1', 'abc', 'Infinity', '101'])('a length of time of "%s" is refused', (text) => {
  expect(() => aboveZero(100, 5)(text)).toThrow('above 0, at most 100');
});

test('a name that there is not is refused with those that there are', () => {
  expect(() => someOf(['sqlite', 'postgres'])('sqlit')).toThrow('"sqlit" is none of sqlite, postgres.');
});

test('an output that could not be written is refused before anything is measured', () => {
  const folder = mkdtempSync(join(tmpdir(), 'bench-options-'));
  try {
    expect(outputFile(join(folder, 'a.json'))).toBe(join(folder, 'a.json'));
    expect(() => outputFile(join(folder, 'no', 'a.json'))).toThrow('There is no folder');
    expect(() => outputFile(folder)).toThrow('is a folder');
  } finally {
    rmSync(folder, { recursive: true });
  }
});
