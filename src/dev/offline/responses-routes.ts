import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { noteAnswered, type OfflineParts, otherAnswer } from './create-completion';
import { cancelResponse, createResponse } from './create-response';
import type { ResponseRequest, Route, StoredResponse } from './protocol';
import { errorBody, readJsonBody, resetConnection, sendBody, sendHalf } from './wire';

/** Responses whose answer has gone out. */
const told = new Set<string>();

/** `/v1/responses`, `/v1/responses/{id}` and `/v1/responses/{id}/cancel`; `path` is what follows `/v1/responses`. */
export async function routeResponses(
  parts: OfflineParts,
  path: string[],
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const method = request.method ?? 'GET';
  const [id, act] = path;
  if (id === undefined || id === '') {
    const body = await readJsonBody(request);
    const fault = method === 'POST' ? faultOf(body) : `${method} is not allowed here.`;
    if (fault) return sendBody(response, 400, errorBody(400, fault));
    return createResponse(parts, request, response, body as ResponseRequest);
  }
  const stored = parts.responses.get(decodeURIComponent(id));
  if (act === 'cancel' && method === 'POST') {
    parts.traffic.count('cancels');
    if (await isRuled(parts, 'cancel', stored, response)) return;
    return cancel(parts, stored, id, response);
  }
  if (act !== undefined)
    return sendBody(response, 404, errorBody(404, `Unknown request URL: ${method} ${act}.`));
  if (method === 'GET') {
    parts.traffic.count('polls');
    if (await isRuled(parts, 'retrieve', stored, response)) return;
    // read again: a rule may have held this answer
    const now = parts.responses.get(decodeURIComponent(id));
    if (!now) return notStored(response, id);
    if (now.output.length > 0 && !told.has(now.id)) {
      response.on('finish', () => void noteAnswered(parts, now));
      told.add(now.id);
    }
    return sendBody(response, 200, now);
  }
  if (method !== 'DELETE') return sendBody(response, 405, errorBody(405, `${method} is not allowed here.`));
  if (!stored) return notStored(response, id);
  await parts.responses.delete(stored.id);
  parts.traffic.setStored(parts.stored.size + parts.responses.size);
  sendBody(response, 200, { object: 'response', id: stored.id, deleted: true });
}

async function cancel(
  parts: OfflineParts,
  stored: StoredResponse | undefined,
  id: string,
  response: ServerResponse,
): Promise<void> {
  if (!stored) return notStored(response, id);
  if (!stored.background) {
    return sendBody(response, 400, errorBody(400, 'Cannot cancel a synchronous response.'));
  }
  sendBody(response, 200, await cancelResponse(parts, stored));
}

function notStored(response: ServerResponse, id: string): void {
  sendBody(response, 404, errorBody(404, `Response with id '${id}' not found.`));
}

/** Does as a rule for this route says; true where that was an answer, or none for good. */
async function isRuled(
  { rules, traffic }: OfflineParts,
  route: Route,
  stored: StoredResponse | undefined,
  response: ServerResponse,
): Promise<boolean> {
  const job = { job_id: stored?.metadata.job_id ?? null, call_id: stored?.metadata.call_id ?? null };
  const action = rules.take({ route, job_id: job.job_id, text: '' }) ?? {};
  if (action.delay_ms) await delay(action.delay_ms);
  if (action.hold) await traffic.hold(job);
  const other = otherAnswer(action);
  if (action.reset) resetConnection(response);
  else if (other) sendBody(response, other.status, other.body, other.headers);
  else if (action.truncate) sendHalf(response, stored ?? {});
  return Boolean(action.hang || action.reset || other || action.truncate);
}

/** The faults that the real provider refuses, as far as a client can make them by mistake. */
function faultOf(body: unknown): string | undefined {
  const asked = body as Partial<ResponseRequest> | undefined | null;
  if (typeof asked !== 'object' || asked === null) return 'We could not parse the JSON body of your request.';
  if (typeof asked.model !== 'string') return 'You must provide a model parameter.';
  if (typeof asked.input !== 'string' && !Array.isArray(asked.input))
    return "Missing required parameter: 'input'.";
  const unknown = Object.keys(asked).find((name) => CHAT_ONLY.includes(name));
  if (unknown !== undefined) return `Unknown parameter: '${unknown}'.`;
  if (asked.background && asked.store !== true) return "Background mode requires 'store' to be true.";
  if ((asked as { stream?: unknown }).stream) return 'The offline model streams chat completions only.';
  return undefined;
}

/** What belongs to chat completions; the real provider refuses it here by name. */
const CHAT_ONLY = [
  ...['messages', 'response_format', 'max_completion_tokens', 'max_tokens', 'reasoning_effort', 'verbosity'],
  ...['n', 'stop', 'seed', 'logprobs', 'frequency_penalty', 'presence_penalty', 'modalities'],
];
