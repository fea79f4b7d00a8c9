/** The longest that a request may wait, in seconds. */
export const MAX_WAIT_S = 600;

/**
 * The `wait` of a `Prefer` header (RFC 7240, 4.3), in whole seconds; at most {@link MAX_WAIT_S}. A preference
 * that can't be read is no error and is left aside (RFC 7240, 2).
 *
 * @returns null where there is none
 *
 * @example
 * preferredWait('respond-async, wait=10') // 10
 */
export function preferredWait(header: string | string[] | undefined): number | null {
  if (header === undefined) return null;
  for (const preference of [header].flat().join(',').split(',')) {
    const seconds = /^\s*wait\s*=\s*(?:"(\d{1,9})"|(\d{1,9}))\s*(?:;|$)/i.exec(preference);
    // the first one counts where it is given twice
    if (seconds) return Math.min(Number(seconds[1] ?? seconds[2]), MAX_WAIT_S);
  }
  return null;
}
