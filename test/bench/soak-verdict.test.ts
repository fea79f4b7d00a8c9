import { linesOf, type Outcome, verdictOf } from '../../bench/soak/verdict';

const sums = { jobs: 40, completed: 40, recovered: 2, rerun: 0, billed: 40 };
const GOOD: Outcome = { minutes: 10, askedMinutes: 10, kills: 5, sums, violations: [], growth: [] };
const VIOLATION = { promise: 'one call' as const, job: 'a', sentence: 'Job a was called twice.' };

test('promises were kept where workers died, the time is over and nothing was broken', () => {
  expect(verdictOf(GOOD)).toEqual({ shown: 'kept', sentence: 'Every promise was kept.' });
});

test('a soak that killed nobody, or completed nothing, has shown nothing', () => {
  const nobody = verdictOf({ ...GOOD, kills: 0 });
  expect(nobody).toEqual({ shown: 'nothing', sentence: 'No worker was killed: nothing was tried.' });
  const idle = verdictOf({ ...GOOD, sums: { ...sums, completed: 0, billed: 0 } });
  expect(idle).toEqual({ shown: 'nothing', sentence: 'No job was completed: nothing was tried.' });
});

test('a soak that was stopped says after how much of its time', () => {
  const { shown, sentence } = verdictOf({ ...GOOD, minutes: 3, askedMinutes: 36_000 });
  expect(shown).toBe('stopped early');
  expect(sentence).toMatch('after 3.0 of 36000.0 minutes');
  expect(sentence).not.toMatch('Every promise');
});

test('a broken promise is told first, whatever else was not shown', () => {
  const broken = { ...GOOD, minutes: 1, kills: 0, violations: [VIOLATION] };
  expect(verdictOf(broken)).toMatchObject({
    shown: 'broken',
    sentence: expect.stringMatching(/^1 promise /),
  });
  expect(linesOf(broken)).toContain('BROKEN (one call): Job a was called twice.');
  const paidTwice = { ...GOOD, sums: { ...sums, billed: 41 } };
  expect(verdictOf(paidTwice)).toMatchObject({
    shown: 'broken',
    sentence: expect.stringMatching(/^1 promise /),
  });
});

test('growth that was not measured is said to be so', () => {
  const lines = linesOf({ ...GOOD, growth: [{ name: 'gateway', growth: null }] });
  expect(lines).toContainEqual(expect.stringMatching(/^gateway: growth not measured/));
});
