/**
 * The value below which a share of the values lies (nearest rank: always one that was measured).
 *
 * @param share - 0 to 1, e.g. 0.99
 */
export function percentile(values: readonly number[], share: number): number {
  if (values.length === 0) return Number.NaN;
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length, Math.max(1, Math.ceil(share * sorted.length))) - 1]!;
}

/** The middle value, or the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  if (sorted.length % 2 === 1) return sorted[half]!;
  return (sorted[half - 1]! + sorted[half]!) / 2;
}

/** An interval that holds the true median with a known probability. */
export interface MedianInterval {
  median: number;
  low: number;
  high: number;
  /** The probability, 0 to 1. */
  confidence: number;
}

/**
 * The median with its interval by order statistics: from the k-th smallest to the k-th largest value, with the
 * largest k that still gives the confidence. It takes nothing of how the values are spread, only that they
 * are independent. Fewer than 6 values can't give 95 %: then from the smallest to the largest, and
 * `confidence` says what that is worth.
 *
 * @see David, Nagaraja: Order Statistics, 7.1 (the number of values below the median is binomial, 1/2)
 */
export function medianInterval(values: readonly number[], wanted = 0.95): MedianInterval {
  const sorted = [...values].sort((a, b) => a - b);
  const count = sorted.length;
  let rank = 1;
  while (rank + 1 <= count / 2 && confidenceOf(count, rank + 1) >= wanted) rank += 1;
  return {
    median: median(sorted),
    low: sorted[rank - 1]!,
    high: sorted[count - rank]!,
    confidence: Math.max(0, confidenceOf(count, rank)),
  };
}

/** That the median lies between the k-th smallest and the k-th largest of n: 1 - 2 P(Binomial(n, 1/2) < k). */
function confidenceOf(count: number, rank: number): number {
  let below = 0;
  for (let k = 0, term = 0.5 ** count; k < rank; k += 1) {
    below += term;
    term = (term * (count - k)) / (k + 1);
  }
  return 1 - 2 * below;
}
