import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { createCompletion, type OfflineParts } from './create-completion';
import { type ChatRequest, STAND_IN } from './protocol';
import { routeResponses } from './responses-routes';
import { parseRules } from './rules';
import { errorBody, makeRequestId, readJsonBody, resetConnection, sendBody } from './wire';

/** Longest wait for a change of state, in milliseconds; the client then asks again. */
const LONG_POLL_MS = 20_000;

/**
 * Makes the HTTP server of the offline model; it does not listen yet. `/v1` speaks the OpenAI protocol,
 * `/__control`, `/__state` and `/__release` are for tests.
 */
export function createOfflineServer(parts: OfflineParts, apiKey?: string): Server {
  const server = createServer((request, response) => {
    response.setHeader('x-request-id', makeRequestId());
    route(parts, apiKey, request, response).catch((error) => {
      if (!response.headersSent) sendBody(response, 500, errorBody(500, `The offline model broke: ${error}`));
      else response.destroy();
    });
  });
  // Clients drop idle connections first, so that none sends into one that is being closed.
  server.keepAliveTimeout = 75_000;
  return server;
}

async function route(
  parts: OfflineParts,
  apiKey: string | undefined,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://127.0.0.1');
  const [, area, ...path] = url.pathname.split('/');
  const method = request.method ?? 'GET';
  if (area?.startsWith('__')) return control(parts, `${method} /${area}`, url, request, response);
  if (area !== 'v1') return notFound(response, `${method} ${url.pathname}`);
  if (apiKey !== undefined && request.headers.authorization !== `Bearer ${apiKey}`) {
    return sendBody(response, 401, errorBody(401, 'Incorrect API key provided.'));
  }
  if (path.join('/') === 'models' && method === 'GET') return sendBody(response, 200, MODELS);
  if (path[0] === 'responses' && path.length <= 3)
    return routeResponses(parts, path.slice(1), request, response);
  if (path[0] !== 'chat' || path[1] !== 'completions' || path.length > 3) {
    return notFound(response, `${method} ${url.pathname}`);
  }
  const id = path[2];
  if (id) return one(parts, method, decodeURIComponent(id), response);
  if (method === 'GET') return list(parts, url.searchParams, response);
  const body = await readJsonBody(request);
  const fault = method === 'POST' ? faultOf(body) : `${method} is not allowed here.`;
  if (fault) return sendBody(response, 400, errorBody(400, fault));
  await createCompletion(parts, request, response, body as ChatRequest);
}

async function control(
  { rules, traffic }: OfflineParts,
  what: string,
  url: URL,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (what === 'GET /__state') {
    const after = url.searchParams.get('after');
    const gone = new AbortController();
    response.on('close', () => gone.abort());
    const limit = AbortSignal.any([gone.signal, AbortSignal.timeout(LONG_POLL_MS)]);
    if (after !== null) await traffic.waitForChange(Number(after), limit);
    return sendBody(response, 200, traffic.snapshot());
  }
  const body = await readJsonBody(request);
  if (what === 'POST /__release') {
    const { job_id } = (body ?? {}) as { job_id?: string };
    return sendBody(response, 200, { released: traffic.release(job_id) });
  }
  if (what !== 'POST /__control') return notFound(response, what);
  try {
    rules.replace(parseRules(body));
    sendBody(response, 200, {});
  } catch (error) {
    sendBody(response, 400, errorBody(400, (error as Error).message));
  }
}

async function one(
  { stored, responses, traffic }: OfflineParts,
  method: string,
  id: string,
  response: ServerResponse,
): Promise<void> {
  const completion = stored.get(id);
  if (!completion) return sendBody(response, 404, errorBody(404, `Completion ${id} is not stored.`));
  if (method === 'GET') return sendBody(response, 200, completion);
  if (method !== 'DELETE') return sendBody(response, 405, errorBody(405, `${method} is not allowed here.`));
  await stored.delete(id);
  traffic.setStored(stored.size + responses.size);
  sendBody(response, 200, { object: 'chat.completion.deleted', id, deleted: true });
}

async function list(parts: OfflineParts, query: URLSearchParams, response: ServerResponse): Promise<void> {
  const metadata: Record<string, string> = {};
  for (const [key, value] of query) {
    const name = /^metadata\[(.+)\]$/.exec(key)?.[1];
    if (name !== undefined) metadata[name] = value;
  }
  parts.traffic.count('lists');
  const action = parts.rules.take({ route: 'list', job_id: metadata.job_id ?? null, text: '' }) ?? {};
  if (action.delay_ms) await delay(action.delay_ms);
  if (action.hold) await parts.traffic.hold({ job_id: metadata.job_id ?? null, call_id: null });
  if (action.hang) return;
  if (action.reset) return resetConnection(response);
  if (action.not_json) return sendBody(response, 200, '<html>The gateway had a bad day.</html>');
  if (action.status !== undefined) {
    return sendBody(response, action.status, action.body ?? errorBody(action.status), action.headers);
  }
  const page = parts.stored.list({
    metadata,
    model: query.get('model') ?? undefined,
    after: query.get('after') ?? undefined,
    limit: Math.min(100, Math.max(1, Number(query.get('limit') ?? 20) || 20)),
    order: query.get('order') === 'desc' ? 'desc' : 'asc',
  });
  sendBody(response, 200, page);
}

/** The faults that the real provider refuses, as far as a client can make them by mistake. */
function faultOf(body: unknown): string | undefined {
  const chat = body as Partial<ChatRequest> | undefined | null;
  if (typeof chat !== 'object' || chat === null) return 'We could not parse the JSON body of your request.';
  if (typeof chat.model !== 'string') return 'You must provide a model parameter.';
  if (!Array.isArray(chat.messages) || chat.messages.length === 0)
    return "Missing required parameter: 'messages'.";
  if (chat.n != null && !(Number.isInteger(chat.n) && chat.n >= 1 && chat.n <= 128)) {
    return "Invalid 'n': it must be a whole number from 1 to 128.";
  }
  const pairs = Object.entries(chat.metadata ?? {});
  if (pairs.length > 16) return "Invalid 'metadata': too many properties, 16 are allowed.";
  if (pairs.some(([key, value]) => key.length > 64 || typeof value !== 'string' || value.length > 512)) {
    return "Invalid 'metadata': keys have at most 64 characters, values are strings of at most 512.";
  }
  return undefined;
}

function notFound(response: ServerResponse, what: string): void {
  sendBody(response, 404, errorBody(404, `Unknown request URL: ${what}. The offline model is a stand-in.`));
}

const MODELS = {
  object: 'list',
  data: [{ id: STAND_IN, object: 'model', created: 0, owned_by: 'infer-once-stand-in' }],
};
