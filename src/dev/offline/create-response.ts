import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { requestText } from './answer';
import { asChat, finishResponse, queuedResponse } from './answer-response';
import { headerOf, isExecuted, noteAnswered, type OfflineParts, otherAnswer } from './create-completion';
import { attributeCall, type BilledEntry, readLedger } from './ledger';
import type { ResponseRequest, RuleAction, StoredResponse } from './protocol';
import type { ResponsePlan } from './stored-responses';
import { resetConnection, sendBody, sendHalf } from './wire';

/** Stops what is under way in the background, by response id. */
const running = new Map<string, AbortController>();

/**
 * `POST /v1/responses`. In the background it answers at once with an id, and waits, executes (bill, then
 * store) afterwards; else it does all of that first. Rules for the connection act on this answer, rules for
 * the model on the execution.
 */
export async function createResponse(
  parts: OfflineParts,
  request: IncomingMessage,
  response: ServerResponse,
  body: ResponseRequest,
): Promise<void> {
  const idempotencyKey = headerOf(request, 'idempotency-key');
  const job_id = attributeCall(body.metadata?.job_id ?? null, idempotencyKey);
  const text = requestText(asChat(body));
  const action = parts.rules.take({ route: 'create', job_id, text }) ?? {};
  parts.traffic.count('requests');
  const queued = queuedResponse(body);
  const plan: ResponsePlan = { action, idempotencyKey, body };
  if (!isExecuted(action)) {
    await delay(action.delay_ms ?? parts.delayMs);
    return answer(response, action, { ...queued, status: 'failed' });
  }
  if (!body.background) {
    const finished = await execute(parts, queued, plan);
    response.on('finish', () => void noteAnswered(parts, finished));
    return answer(response, action, finished);
  }
  await parts.responses.put(queued, plan);
  const executed = execute(parts, queued, plan);
  // who is to lose the answer after it was paid for
  if (action.reset === 'after_billing' && !action.hold) await executed;
  else executed.catch(() => undefined);
  parts.traffic.setStored(parts.stored.size + parts.responses.size);
  answer(response, action, queued);
}

/** Goes on with what an earlier process had queued; what it had billed is not billed again. */
export function resumeResponses(parts: OfflineParts, ledgerFile: string): void {
  const billed = new Set(readLedger(ledgerFile).map(({ call }) => call));
  for (const { response, plan } of parts.responses.unfinished()) {
    const action = { ...plan.action, hold: undefined, ...(billed.has(response.id) && { bill: false }) };
    execute(parts, response, { ...plan, action }).catch(() => undefined);
  }
}

/** Stops a background response; one that is final already stays as it is. */
export async function cancelResponse(parts: OfflineParts, stored: StoredResponse): Promise<StoredResponse> {
  if (stored.status !== 'queued' && stored.status !== 'in_progress') return stored;
  const canceled: StoredResponse = { ...stored, status: 'cancelled' };
  running.get(stored.id)?.abort();
  await parts.responses.put(canceled);
  return canceled;
}

async function execute(
  parts: OfflineParts,
  queued: StoredResponse,
  { action, idempotencyKey, body }: ResponsePlan,
): Promise<StoredResponse> {
  const { traffic, responses } = parts;
  const request = body as ResponseRequest;
  const call = {
    job_id: attributeCall(queued.metadata.job_id ?? null, idempotencyKey),
    call_id: queued.metadata.call_id ?? null,
  };
  const end = traffic.begin(call);
  const stop = new AbortController();
  running.set(queued.id, stop);
  try {
    await delay(action.delay_ms ?? parts.delayMs, undefined, { signal: stop.signal }).catch(() => undefined);
    if (action.hold) await traffic.hold(call, stop.signal);
    if (stop.signal.aborted) return responses.get(queued.id) ?? queued;
    const finished = finishResponse(queued, request, action);
    await bill(parts, finished, idempotencyKey, action);
    if (action.usage === null) finished.usage = null;
    if (request.store !== false) await responses.put(finished);
    traffic.setStored(parts.stored.size + responses.size);
    return finished;
  } finally {
    running.delete(queued.id);
    end();
  }
}

/** A response that fails is free, unless `bill` says otherwise. */
async function bill(
  { ledger, traffic }: OfflineParts,
  { id, metadata, model, usage }: StoredResponse,
  idempotency_key: string | null,
  action: RuleAction,
): Promise<void> {
  if (action.bill === false || (action.fail !== undefined && action.bill !== true)) return;
  const entry: BilledEntry = {
    phase: 'billed',
    at: new Date().toISOString(),
    call: id,
    job_id: metadata.job_id ?? null,
    call_id: metadata.call_id ?? null,
    idempotency_key,
    model,
    prompt_tokens: usage?.input_tokens ?? 0,
    completion_tokens: usage?.output_tokens ?? 0,
  };
  await ledger.append(entry);
  traffic.count('billed');
}

function answer(response: ServerResponse, action: RuleAction, made: StoredResponse): void {
  if (action.hang) return;
  for (const [name, value] of Object.entries(action.headers ?? {})) response.setHeader(name, value);
  const other = otherAnswer(action);
  if (action.reset) resetConnection(response);
  else if (other) sendBody(response, other.status, other.body, other.headers);
  else if (action.truncate) sendHalf(response, made);
  else sendBody(response, action.status ?? 200, made);
}
