import type { FastifyReply, FastifyRequest } from 'fastify';
import type { WaitOptions } from '../../client';
import type { SubmitAnswer } from '../../job';
import type { ProviderError } from '../../once/outcome';
import type { Endpoint } from '../../tasks/task';
import type { GatewayDeps } from '../deps';
import { HttpError } from '../http/http-error';
import { jobIdOfHeader } from '../http/idempotency-key';
import { stopping } from '../http/leave';
import { enterWait } from '../http/waiting';
import { untilDurable } from '../jobs/wait';
import { completionChunks } from './completion-chunks';
import { failureOf, sendError } from './errors';
import { responseEvents } from './response-events';
import { completionSse, responseSse } from './sse';

type Body = Record<string, unknown>;

/**
 * Answers a request that names a job: starts it or joins it, and waits as long as the client stays. How the
 * answer travels, `stream` and its options, is no part of the job. Nothing is sent before the answer is durable:
 * until then every status can still be told, and a client that lost patience joins by its next try.
 */
export async function answerKeyed(
  deps: GatewayDeps,
  endpoint: Endpoint,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const job_id = jobIdOfHeader(request.headers['idempotency-key']);
  const { stream, stream_options, ...input } = bodyOf(request);
  const jobs = deps.jobs(request.tenant);
  const job = { job_id, task: endpoint, input };
  const { submitted, answer: answerTo } = await untilDurable(reply, jobs.begin(job));
  const answer = submitted.replayed ? submitted : await waitFor(answerTo, reply);
  if (answer.replayed) reply.header('idempotent-replayed', 'true');
  const said = answer.status === 'COMPLETED' ? null : await jobs.providerError(answer);
  const result = resultOf(answer, said);
  if (!result) return sendError(reply, failureOf(answer, said));
  const shown = showTo(input, endpoint, result);
  nameRequest(reply, answer);
  return stream === true
    ? sendStream(reply, endpoint, shown, stream_options)
    : reply.header('cache-control', 'no-store').send(shown);
}

async function waitFor(
  answerTo: (wait: WaitOptions) => Promise<SubmitAnswer>,
  reply: FastifyReply,
): Promise<SubmitAnswer> {
  const signal = enterWait(reply);
  try {
    return await answerTo({ signal });
  } catch (error) {
    throw reply.server.closing.hasBegun && error === signal.reason ? stopping() : error;
  }
}

function bodyOf(request: FastifyRequest): Body {
  const { body } = request;
  if (typeof body === 'object' && body !== null && !Array.isArray(body)) return body as Body;
  throw HttpError.bad('invalid_request', 'The body must be a JSON object, as the OpenAI API takes it.');
}

/** The provider's answer; also a response that failed at the provider unpaid, which is an answer there. */
function resultOf(answer: SubmitAnswer, said: ProviderError | null): Body | null {
  if (answer.status === 'COMPLETED') return answer.result as Body;
  if (answer.status !== 'FAILED' || answer.billed !== 'no') return null;
  return said?.status === 200 ? (said.body as Body | null) : null;
}

/** The answer with the caller's own metadata in place of those that were sent for him with ours among them. */
function showTo(input: Body, endpoint: Endpoint, result: Body): Body {
  if (!('metadata' in result)) return result;
  if (input.metadata != null) return { ...result, metadata: input.metadata };
  if (endpoint === 'responses') return { ...result, metadata: {} };
  const { metadata: _, ...rest } = result;
  return rest;
}

/** The SDKs show it as `_request_id`. */
function nameRequest(reply: FastifyReply, { request_id }: SubmitAnswer): void {
  if (request_id && /^[\x21-\x7e]{1,200}$/.test(request_id)) reply.header('x-request-id', request_id);
}

function sendStream(reply: FastifyReply, endpoint: Endpoint, result: Body, options: unknown): FastifyReply {
  const includeUsage = (options as { include_usage?: unknown } | null | undefined)?.include_usage === true;
  const events =
    endpoint === 'responses'
      ? responseSse(responseEvents(result))
      : completionSse(completionChunks(result, includeUsage));
  return reply.type('text/event-stream; charset=utf-8').header('cache-control', 'no-cache').send(events);
}
