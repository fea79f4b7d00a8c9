import { StoreClock } from '../../src/store/store-clock';

const T = 1_800_000_000_000;
const DAY = 86_400_000;

describe('the clock of a SQLite store never goes back and never stands still', () => {
  test('it is the wall clock, while that goes forward', () => {
    const clock = new StoreClock(() => 0);
    expect([clock.tell(0, T), clock.tell(T, T + 7)]).toEqual([T, T + 7]);
  });

  test('set back by a day, it goes on at half its pace, so that leases end', () => {
    let mono = 0;
    const clock = new StoreClock(() => mono);
    expect(clock.tell(T + DAY, T)).toBe(T + DAY);
    mono += 30_000;
    expect(clock.tell(T + DAY, T + 30_000)).toBe(T + DAY + 15_000);
    // looks that come faster than the clock ticks lose nothing
    for (let i = 0; i < 1_000; i += 1) {
      mono += 1;
      clock.tell(T + DAY, T + 30_000 + i);
    }
    expect(clock.tell(T + DAY, T + 31_000)).toBe(T + DAY + 15_500);
  });

  test('it follows the wall clock again once that has caught up', () => {
    let mono = 0;
    const clock = new StoreClock(() => mono);
    clock.tell(T + 1_000, T);
    mono += 2_000;
    expect(clock.tell(T + 1_000, T + 2_000)).toBe(T + 2_000);
    mono += 500;
    expect(clock.tell(T + 2_000, T + 2_500)).toBe(T + 2_500);
  });

  test('what another process wrote down counts', () => {
    const clock = new StoreClock(() => 0);
    clock.tell(T, T);
    expect(clock.tell(T + 9_000, T + 1)).toBe(T + 9_000);
  });
});
