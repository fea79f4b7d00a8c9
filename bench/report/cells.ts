import type { MedianInterval } from './statistics';

/** A ratio with its interval. */
export function ratio({ median, low, high }: MedianInterval): string {
  return `${median.toFixed(2)} (${low.toFixed(2)} to ${high.toFixed(2)})`;
}

/** Three digits that mean something. */
export function ms(value: number): string {
  return value < 1
    ? value.toFixed(3)
    : value < 100
      ? value.toFixed(1)
      : Math.round(value).toLocaleString('en');
}

/** Nothing is a dash. */
export function maybe<T>(value: T | null | undefined, show: (value: T) => string): string {
  return value == null ? '-' : show(value);
}

/** The first column to the left, the others to the right. */
export function table(heads: string[], rows: string[][]): string {
  const widths = heads.map((_, at) => Math.max(...[heads, ...rows].map((row) => row[at]!.length)));
  const line = (cells: string[]) =>
    cells.map((cell, at) => (at === 0 ? cell.padEnd(widths[at]!) : cell.padStart(widths[at]!))).join('  ');
  return [heads, widths.map((width) => '-'.repeat(width)), ...rows].map(line).join('\n');
}

/** Breaks a text into lines. */
export function wrap(text: string, width = 110): string {
  const lines = [''];
  for (const word of text.split(' ')) {
    if (lines.at(-1)!.length + word.length + 1 > width) lines.push('');
    lines.push(`${lines.pop()} ${word}`.trim());
  }
  return lines.join('\n');
}
