import type { SendContext } from '../once/outcome';

/** The provider's limits for metadata. @see https://developers.openai.com/api/reference/resources/chat */
const MAX_PAIRS = 16;
const MAX_VALUE = 512;

/**
 * A caller's metadata with the two entries by which recovery finds a call.
 *
 * @param metadata - as the caller sent it, of any shape: what is wrong with it is for the provider to say
 * @returns null where they don't fit, or where the caller has entries of these names, which stay his
 */
export function addMarks(
  metadata: unknown,
  { key, call_id }: Pick<SendContext, 'key' | 'call_id'>,
): Record<string, unknown> | null {
  const own = metadata ?? {};
  if (typeof own !== 'object' || Array.isArray(own)) return null;
  if ('job_id' in own || 'call_id' in own || key.length > MAX_VALUE) return null;
  if (Object.keys(own).length > MAX_PAIRS - 2) return null;
  return { ...own, job_id: key, call_id };
}
