import { after } from '../../bench/soak/after';

beforeEach(() => jest.useFakeTimers());
afterEach(() => jest.useRealTimers());

test.each([10, 600, 2_000])('a soak of %d hours ends after them, and not before', (hours) => {
  let isOver = false;
  after(hours * 3_600_000, () => (isOver = true));
  jest.advanceTimersByTime(hours * 3_600_000 - 1);
  expect(isOver).toBe(false);
  jest.advanceTimersByTime(1);
  expect(isOver).toBe(true);
});
