/**
 * How long the provider wants us to wait: `retry-after-ms`, else `Retry-After` in seconds or as an HTTP
 * date.
 *
 * @param headers - names in lower case
 * @param now - wall clock in ms since the epoch
 * @returns ms, 0 or more; undefined where nothing is said or it can't be read
 * @see https://www.rfc-editor.org/rfc/rfc9110#field.retry-after
 */
export function readRetryAfter(headers: Record<string, string>, now: number): number | undefined {
  const ms = readNumber(headers['retry-after-ms']);
  if (ms !== undefined) return Math.ceil(ms);
  const text = headers['retry-after'];
  const seconds = readNumber(text);
  if (seconds !== undefined) return Math.ceil(seconds * 1_000);
  // A date needs a letter: Date.parse would take "-5" for a year.
  const at = text && /[A-Za-z]/.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(at) ? undefined : Math.max(0, at - now);
}

function readNumber(text: string | undefined): number | undefined {
  return text !== undefined && /^\s*\d+(\.\d+)?\s*$/.test(text) ? Number(text) : undefined;
}
