/** What stands for every value that came after the limit was reached, or is too long to be a name. */
export const OTHER = 'other';

/** A label holds at most so many values. Names of tasks and models come from outside: a typo a second must not fill a Prometheus. */
const MOST_VALUES = 100;
const LONGEST = 100;

/**
 * Keeps the first values of a label by their names and folds all later ones into `other`.
 *
 * @example
 * const task = boundedLabel();
 * task('enrich'); // 'enrich'
 */
export function boundedLabel(most = MOST_VALUES): (value: string | null | undefined) => string {
  const seen = new Set<string>();
  return (value) => {
    if (!value) return 'unknown';
    if (seen.has(value)) return value;
    if (seen.size >= most || value.length > LONGEST) return OTHER;
    seen.add(value);
    return value;
  };
}
