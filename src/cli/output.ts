/** Whether people read stdout; else it is JSON. */
export function isForPeople(options: { json?: boolean }): boolean {
  return Boolean(process.stdout.isTTY) && !options.json;
}

/** One value as one line of JSON on stdout. */
export function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}

/** Lines for people on stdout. */
export function printText(text: string): void {
  process.stdout.write(`${text}\n`);
}

/**
 * Text without control characters: what a model or a provider wrote must not steer the terminal.
 * Line breaks become spaces.
 */
export function cleanText(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what this is about
  return text.replace(/\s*[\r\n]+\s*/g, ' ').replace(/[\u0000-\u001f\u007f-\u009f]/g, '?');
}

/** JSON for people: indented, and safe to print. */
export function prettyJson(value: unknown): string {
  // JSON escapes the control characters below 0x20 by itself
  return (JSON.stringify(value, null, 2) ?? 'null').replace(/[\u007f-\u009f]/g, '?');
}

/** Columns as wide as their widest cell; numbers, marked by `right`, stand to the right. */
export function formatTable(head: string[], rows: string[][], right: string[] = []): string {
  const all = [head, ...rows.map((row) => row.map(cleanText))];
  const widths = head.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  const line = (row: string[]) =>
    row
      .map((cell, column) => {
        const width = widths[column]!;
        return right.includes(head[column]!) ? cell.padStart(width) : cell.padEnd(width);
      })
      .join('  ')
      .trimEnd();
  return all.map(line).join('\n');
}

/** How long ago, in the two units that matter, e.g. `3h 12m`. */
export function formatAge(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 60) return `${seconds}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes}m ${seconds % 60}s`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return `${hours}h ${minutes % 60}m`;
  return `${Math.floor(hours / 24)}d`;
}
