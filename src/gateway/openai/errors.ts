import type { FastifyReply } from 'fastify';
import type { JobRecord } from '../../job';
import type { ProviderError } from '../../once/outcome';
import { refusalOf } from '../problem';

/** An error in OpenAI's shape, as its SDKs read it. */
export interface OpenAiError {
  status: number;
  headers: Record<string, string>;
  /** `{error: {message, type, param, code}}`, or the provider's own words. */
  body: unknown;
}

/** The SDKs send 408, 409, 429 and 5xx again by themselves, unless they are told not to. */
const DO_NOT_RETRY = { 'x-should-retry': 'false' };

/** Makes one. @param code - a stable word for programs */
export function openAiError(
  status: number,
  code: string,
  message: string,
  headers: Record<string, string> = {},
): OpenAiError {
  const limited = status === 429 ? 'rate_limit_error' : 'invalid_request_error';
  const type = status >= 500 ? 'server_error' : limited;
  return { status, headers, body: { error: { message, type, param: null, code } } };
}

/** An error that no time mends: the SDKs do not send the request again. */
export function finalError(status: number, code: string, message: string): OpenAiError {
  return openAiError(status, code, message, DO_NOT_RETRY);
}

/** What an error on the way is to an OpenAI client. */
export function errorOf(error: unknown): OpenAiError {
  const { problem, headers } = refusalOf(error);
  const { status, code, detail } = problem;
  // 503 comes with when to come back; the others stay as they are
  const isFinal = status === 409 || (status >= 500 && status !== 503);
  return openAiError(status, code, detail, { ...headers, ...(isFinal && DO_NOT_RETRY) });
}

/**
 * What a job that has no answer is to its caller.
 *
 * @param said - what the provider answered in refusing, where that is known
 */
export function failureOf(record: JobRecord, said: ProviderError | null): OpenAiError {
  const { job_id, status, error, billed } = record;
  const code = error?.code ?? 'job_failed';
  const failed = `Job ${job_id} failed (${code}): ${error?.message ?? 'no reason is on record'}.`.replace(
    /\.\.$/,
    '.',
  );
  if (status === 'IN_DOUBT') {
    const why = `Job ${job_id} is in doubt (${record.doubt?.reason})`;
    const remedy = 'Its operator settles it; then send this again.';
    const doubt = `${why}: nobody can know whether its call was executed. ${remedy}`;
    return finalError(409, 'job_in_doubt', doubt);
  }
  if (status === 'FORGOTTEN') {
    return openAiError(410, 'forgotten', `Job ${job_id} was forgotten; its id can't be used again.`);
  }
  if (status === 'CANCELED') return finalError(409, 'job_canceled', `Job ${job_id} was canceled.`);
  if (billed !== 'no') {
    return finalError(409, 'job_failed', `${failed} It may have been paid for: only a retry runs it again.`);
  }
  if (code === 'invalid_input') return openAiError(400, code, failed);
  if (said) return providerError(said, failed);
  return finalError(code === 'provider_rejected' ? 400 : 503, code, failed);
}

/** The provider's own error, in its words where they were kept. The job has tried as long as it may. */
function providerError({ status, body }: ProviderError, message: string): OpenAiError {
  if (status === 401) return notOurs();
  if (body !== null) return { status, headers: DO_NOT_RETRY, body };
  return finalError(status >= 400 ? status : 502, 'provider_rejected', message);
}

/**
 * The provider does not accept this gateway's key. That is no fault of the caller, whose own key is another,
 * and the provider's words may quote the key.
 */
export function notOurs(): OpenAiError {
  const message =
    "The provider does not accept this gateway's API key; its operator has to look at OPENAI_API_KEY.";
  return finalError(502, 'provider_unauthorized', message);
}

/** Its stable word; the provider's own errors have theirs. */
export function codeOf({ body }: OpenAiError): string {
  return String((body as { error?: { code?: unknown } } | null)?.error?.code ?? 'provider_error');
}

/** Answers with it. */
export function sendError(reply: FastifyReply, { status, headers, body }: OpenAiError): FastifyReply {
  return reply.code(status).headers(headers).header('cache-control', 'no-store').send(body);
}
