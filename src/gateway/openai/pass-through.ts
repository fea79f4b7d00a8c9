import type { Readable } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { type Agent, type Dispatcher, request as send } from 'undici';
import { faultCode } from '../../errors';
import { countPassed } from '../../metrics';
import { priceUsd } from '../../provider/price';
import { isConnectFailure } from '../../provider/wire';
import type { GatewayDeps } from '../deps';
import { HttpError } from '../http/http-error';
import { finalError, notOurs, openAiError, sendError } from './errors';
import { readAlong } from './passed-answer';

/** What of a request goes on to the provider: nothing that names the caller, and no other header. */
const REQUEST_HEADERS = [
  ...['accept', 'accept-encoding', 'content-type', 'content-length', 'content-encoding'],
  ...['openai-beta', 'user-agent', 'x-client-request-id'],
];
/** What of its answer comes back; not whose account it is, which is the operator's. */
const RESPONSE_HEADERS =
  /^(content-type|content-length|content-encoding|retry-after|retry-after-ms|x-should-retry|x-request-id|x-ratelimit-.+|openai-(?!(organization|project)$).+)$/;

/**
 * Passes a request on to the provider, once: no retry, no redirect, bodies as streams both ways. Where to is the
 * configuration's to say, with its key. A client that leaves ends the call.
 *
 * @param path - below the base URL, e.g. `/chat/completions`
 */
export async function passThrough(
  { upstream, log, metrics }: GatewayDeps,
  agent: Agent,
  path: string,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const gone = new AbortController();
  reply.raw.once('close', () => gone.abort());
  const query = new URL(request.url, 'http://localhost').search;
  let response: Dispatcher.ResponseData;
  try {
    response = await send(upstream.baseUrl + path + query, {
      method: request.method as Dispatcher.HttpMethod,
      headers: { ...pick(request), ...(upstream.apiKey && { authorization: `Bearer ${upstream.apiKey}` }) },
      body: request.body as Readable | undefined,
      signal: gone.signal,
      dispatcher: agent,
    });
  } catch (error) {
    // the caller's body is too long
    if (error instanceof HttpError) throw error;
    if (!gone.signal.aborted) log.warn({ reason: faultCode(error) }, 'pass-through failed');
    return sendError(reply, failureOf(error));
  }
  const { statusCode, headers, body } = response;
  if (statusCode === 401 || (statusCode >= 300 && statusCode < 400)) {
    await body.dump();
    log.warn({ status: statusCode }, 'pass-through refused');
    return sendError(reply, statusCode === 401 ? notOurs() : redirected());
  }
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined && RESPONSE_HEADERS.test(name)) reply.header(name, value);
  }
  // the provider charges for what it answers, also where the caller has left meanwhile
  if (statusCode === 200 && request.method === 'POST') {
    const [type, encoding] = [headers['content-type'] ?? '', headers['content-encoding'] ?? ''].map(String);
    readAlong(body, { type: type!, encoding: encoding! }, ({ model, usage }) =>
      countPassed(metrics, { model, usage, cost_usd: priceUsd(model, usage, upstream.baseUrl) }),
    );
  }
  return reply.code(statusCode).send(body);
}

function pick({ headers }: FastifyRequest): Record<string, string> {
  const picked: Record<string, string> = {};
  for (const name of REQUEST_HEADERS) {
    const value = headers[name];
    if (typeof value === 'string') picked[name] = value;
  }
  return picked;
}

/** Only a request that was never sent may be sent again by an SDK without being asked. */
function failureOf(error: unknown) {
  const why = `(${faultCode(error)})`;
  return isConnectFailure(error)
    ? openAiError(502, 'provider_unreachable', `The provider can't be reached ${why}; nothing was sent.`)
    : finalError(502, 'provider_failed', `The provider broke off ${why}; it may have executed the request.`);
}

function redirected() {
  return finalError(
    502,
    'provider_redirects',
    'The provider redirects, which is not followed; its operator has to look at OPENAI_BASE_URL.',
  );
}
