import fc from 'fast-check';
import { median, medianInterval, percentile } from '../../bench/report/statistics';

const values = fc.array(fc.double({ min: 0, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 60 });

describe('the figures of the bench', () => {
  test('a percentile is a value that was measured, with its share at or below it', () => {
    expect(percentile([5, 1, 4, 2, 3], 0.5)).toBe(3);
    expect(percentile(hundred(), 0.99)).toBe(99);
    expect(percentile([7], 0.99)).toBe(7);
    fc.assert(
      fc.property(values, fc.double({ min: 0.01, max: 1, noNaN: true }), (all, share) => {
        const found = percentile(all, share);
        expect(all).toContain(found);
        expect(all.filter((value) => value <= found).length).toBeGreaterThanOrEqual(
          share * all.length - 1e-9,
        );
        expect(all.filter((value) => value < found).length).toBeLessThan(share * all.length + 1e-9);
      }),
    );
  });

  test('a median has as many values above as below', () => {
    expect(median([3, 1, 2])).toBe(2);
    expect(median([4, 1, 2, 3])).toBe(2.5);
  });

  // the ranks of the table that textbooks print for a 95 % interval of the median
  test.each([
    [7, 1, 7, 0.984],
    [9, 2, 8, 0.961],
    [10, 2, 9, 0.979],
    [15, 4, 12, 0.965],
    [20, 6, 15, 0.959],
  ])(
    'the interval of the median of %i values is from the %ith to the %ith',
    (count, low, high, confidence) => {
      const found = medianInterval(hundred().slice(0, count).reverse());
      expect(found).toMatchObject({ median: (1 + count) / 2, low, high });
      expect(found.confidence).toBeCloseTo(confidence, 3);
    },
  );

  test('too few values say what their interval is worth', () => {
    expect(medianInterval([2, 1, 3])).toEqual({ median: 2, low: 1, high: 3, confidence: 0.75 });
  });

  test('the interval holds the median', () => {
    fc.assert(
      fc.property(values, (all) => {
        const { low, high, median: middle } = medianInterval(all);
        expect(low).toBeLessThanOrEqual(middle);
        expect(high).toBeGreaterThanOrEqual(middle);
      }),
    );
  });
});

/** 1 to 100. */
function hundred(): number[] {
  return Array.from({ length: 100 }, (_, n) => n + 1);
}
