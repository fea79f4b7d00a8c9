import { TooLargeError } from '../errors';

/** The largest input of a job, as JSON; the store holds it in pieces or as a blob. */
export const INPUT_LIMIT_BYTES = 20 * 1024 * 1024;

/** @throws TooLargeError where the JSON of an input is over the limit */
export function limitInput(jobId: string, json: string | null, limit: number, remedy: string): void {
  const bytes = Buffer.byteLength(json ?? '');
  if (bytes > limit) throw new TooLargeError(jobId, 'input', bytes, limit, remedy);
}
