import { Pace } from '../../src/cli/pace';

function steppedPace() {
  let at = 0;
  const pace = new Pace(() => at);
  return {
    pace,
    /** So much is done, so many seconds later. */
    later(seconds: number, done: number) {
      at += seconds * 1000;
      pace.note(done);
    },
  };
}

test('a rate and the time left are told from the second look on', () => {
  const { pace, later } = steppedPace();
  expect([pace.perSecond, pace.left(100)]).toEqual([null, null]);
  later(0, 0);
  expect([pace.perSecond, pace.left(100)]).toEqual([null, null]);
  later(10, 20);
  expect([pace.perSecond, pace.left(100)]).toEqual([2, 40_000]);
});

test('what a batch skips through at its beginning does not promise an early end', () => {
  const { pace, later } = steppedPace();
  later(0, 0);
  // on record: 1,000 a second; missing: 1 a second
  for (let n = 1; n <= 10; n += 1) later(1, n * 1000);
  for (let n = 1; n <= 40; n += 1) later(1, 10_000 + n);
  expect(pace.perSecond).toBe(1);
  expect(pace.left(10_100)).toBe(60_000);
});

test('while nothing is done nobody can say how long it takes', () => {
  const { pace, later } = steppedPace();
  later(0, 5);
  later(40, 5);
  later(40, 5);
  expect([pace.perSecond, pace.left(100)]).toEqual([0, null]);
});
