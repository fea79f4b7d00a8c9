import { ConfigError } from './errors';

const MS_PER_UNIT = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const DURATION = /^(\d+(?:\.\d+)?) ?(ms|s|m|h|d)$/;

/**
 * Reads a duration: a number of milliseconds, or a text of a number and `ms`, `s`, `m`, `h` or `d`.
 *
 * A bare number in a text (`'600'`) is refused: nobody can tell whether it means seconds or milliseconds.
 *
 * @param what - how to call it in the message, e.g. the variable's name
 * @returns whole milliseconds, 0 or more
 * @throws ConfigError that names `what` and shows the form
 *
 * @example
 * parseDuration('10m') // 600000
 * parseDuration('1.5h', 'INFER_ONCE_HOLD_FOR') // 5400000
 */
export function parseDuration(value: string | number, what = 'The duration'): number {
  const ms = typeof value === 'number' ? value : readText(String(value).trim());
  if (ms !== null && Number.isFinite(ms) && ms >= 0 && ms <= Number.MAX_SAFE_INTEGER) return Math.round(ms);
  const shown = typeof value === 'string' ? JSON.stringify(value.slice(0, 40)) : String(value);
  throw new ConfigError(
    `${what} is ${shown}, which is no duration; write a number and ms, s, m, h or d, e.g. 90s or 10m.`,
  );
}

function readText(text: string): number | null {
  const match = DURATION.exec(text);
  return match ? Number(match[1]) * MS_PER_UNIT[match[2] as keyof typeof MS_PER_UNIT] : null;
}

/**
 * Writes milliseconds as people read them, in the largest unit that stays whole.
 *
 * @example
 * formatDuration(600_000) // '10m'
 */
export function formatDuration(ms: number): string {
  const units = Object.entries(MS_PER_UNIT).reverse();
  const [unit, size] = units.find(([, size]) => ms >= size && ms % size === 0) ?? ['ms', 1];
  return `${ms / size}${unit}`;
}
