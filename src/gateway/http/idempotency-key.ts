import { HttpError } from './http-error';

/**
 * The `job_id` in an `Idempotency-Key`: the quoted string of draft-ietf-httpapi-idempotency-key-header, or the
 * bare text that most clients send. A `job_id` has no quote or backslash, so nothing is unescaped.
 *
 * @throws HttpError 400 `idempotency_key_missing` where there is none
 *
 * @example
 * jobIdOfHeader('"film-1"') // film-1
 */
export function jobIdOfHeader(header: string | string[] | undefined): string {
  const text = typeof header === 'string' ? header.trim() : '';
  const key = /^"(.*)"$/.exec(text)?.[1] ?? text;
  if (key !== '') return key;
  throw HttpError.bad(
    'idempotency_key_missing',
    'The header Idempotency-Key is missing; it is the job_id, e.g. Idempotency-Key: "film-1".',
  );
}
