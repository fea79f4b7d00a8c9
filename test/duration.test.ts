import { formatDuration, parseDuration } from '../src/duration';

test.each([
  ['250ms', 250],
  ['90s', 90_000],
  ['10m', 600_000],
  ['1.5h', 5_400_000],
  ['2d', 172_800_000],
  [' 5 s ', 5_000],
  ['0s', 0],
  [1234, 1234],
])('%p is read as a duration', (text, ms) => {
  expect(parseDuration(text)).toBe(ms);
});

test.each(['600', '10 minutes', '-5s', '', 's', '1e3s', '5M', Number.NaN, -1, Number.POSITIVE_INFINITY])(
  '%p is refused, with the name of the setting and the right form',
  (text) => {
    expect(() => parseDuration(text, 'INFER_ONCE_LEASE')).toThrow(
      /^INFER_ONCE_LEASE is .*, which is no duration; write a number and ms, s, m, h or d, e\.g\. 90s or 10m\.$/,
    );
  },
);

test.each([
  [600_000, '10m'],
  [90_000, '90s'],
  [86_400_000, '1d'],
  [1_500, '1500ms'],
  [0, '0ms'],
])('%p ms is written as people read it', (ms, text) => {
  expect(formatDuration(ms)).toBe(text);
});
