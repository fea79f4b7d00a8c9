import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { answerChat, requestText } from './answer';
import type { JsonLines } from './jsonl';
import { attributeCall, type BilledEntry } from './ledger';
import type { ChatRequest, Completion, RuleAction } from './protocol';
import type { RuleBook } from './rules';
import type { StoredCompletions } from './stored-completions';
import type { StoredResponses } from './stored-responses';
import { sendStream } from './stream';
import type { Traffic } from './traffic';
import { errorBody, resetConnection, sendBody, sendHalf } from './wire';

/** What the routes of one offline model share. */
export interface OfflineParts {
  ledger: JsonLines;
  stored: StoredCompletions;
  responses: StoredResponses;
  rules: RuleBook;
  traffic: Traffic;
  /** How long a call takes, in milliseconds, where no rule says otherwise. */
  delayMs: number;
}

/**
 * `POST /v1/chat/completions`: waits as told, executes (bill, then store, both fsynced), then answers as told.
 * A caller that goes away changes nothing: the call goes on, is billed and stored, as the real provider does.
 */
export async function createCompletion(
  parts: OfflineParts,
  request: IncomingMessage,
  response: ServerResponse,
  body: ChatRequest,
): Promise<void> {
  const { traffic } = parts;
  const key = headerOf(request, 'idempotency-key');
  const requestId = String(response.getHeader('x-request-id'));
  const job = attributeCall(body.metadata?.job_id ?? null, key);
  const call = { job_id: job, call_id: body.metadata?.call_id ?? null };
  const action = parts.rules.take({ route: 'create', job_id: job, text: requestText(body) }) ?? {};
  traffic.count('requests');
  const end = traffic.begin(call);
  response.on('close', () => action.hang && end());
  try {
    await delay(action.delay_ms ?? parts.delayMs);
    if (action.hold) await traffic.hold(call);
    const completion = isExecuted(action) ? await execute(parts, body, action, key, requestId) : undefined;
    if (completion) response.on('finish', () => void noteAnswered(parts, completion));
    answer(response, body, action, completion);
  } finally {
    if (!action.hang) end();
  }
}

/** Whether a call runs, and so costs: `bill` decides; else what does not end in the model's own answer is free. */
export function isExecuted(action: RuleAction): boolean {
  if (action.bill !== undefined) return action.bill;
  return !(action.hang || action.reset === 'before' || action.redirect || (action.status ?? 200) >= 300);
}

async function execute(
  { ledger, stored, responses, traffic }: OfflineParts,
  body: ChatRequest,
  action: RuleAction,
  idempotencyKey: string | null,
  requestId: string,
): Promise<Completion> {
  const completion = answerChat(body, action);
  const entry: BilledEntry = {
    phase: 'billed',
    at: new Date().toISOString(),
    call: completion.id,
    job_id: body.metadata?.job_id ?? null,
    call_id: body.metadata?.call_id ?? null,
    idempotency_key: idempotencyKey,
    model: completion.model,
    prompt_tokens: completion.usage!.prompt_tokens,
    completion_tokens: completion.usage!.completion_tokens,
  };
  await ledger.append(entry);
  traffic.count('billed');
  if (action.usage === null) delete completion.usage;
  if (body.store === true) {
    const kept = { ...completion, request_id: requestId, metadata: body.metadata ?? {} };
    await stored.put(kept, Date.now() + (action.list_after_ms ?? 0));
    traffic.setStored(stored.size + responses.size);
  }
  return completion;
}

function answer(
  response: ServerResponse,
  body: ChatRequest,
  action: RuleAction,
  completion: Completion | undefined,
): void {
  if (action.hang) return;
  for (const [name, value] of Object.entries(action.headers ?? {})) response.setHeader(name, value);
  // A rule may make a call free and yet answered; then the answer is made here, unbilled.
  const made = completion ?? answerChat(body, action);
  const other = otherAnswer(action);
  const truncate = action.truncate === true;
  if (action.reset) resetConnection(response);
  else if (other) sendBody(response, other.status, other.body, other.headers);
  else if (body.stream) {
    sendStream(response, made, { includeUsage: body.stream_options?.include_usage === true, truncate });
  } else if (truncate) sendHalf(response, made);
  else sendBody(response, action.status ?? 200, made);
}

/** What a rule has answered in place of a completion, if it has. */
export function otherAnswer(
  action: RuleAction,
): { status: number; body: unknown; headers?: Record<string, string> } | undefined {
  const { status = 200, body } = action;
  if (action.redirect) return { status: 307, body: '', headers: { location: action.redirect } };
  if (action.not_json) return { status, body: '<html>The gateway had a bad day.</html>' };
  if (body !== undefined) return { status, body };
  return status >= 300 ? { status, body: errorBody(status) } : undefined;
}

/** Notes in the ledger that the answer of a billed call went out whole. */
export async function noteAnswered({ ledger, traffic }: OfflineParts, { id }: { id: string }): Promise<void> {
  // Lost only while the process ends; then the ledger says "billed", which is true.
  await ledger.append({ phase: 'answered', at: new Date().toISOString(), call: id }).catch(() => undefined);
  traffic.count('answered');
}

/** One header of a request, or null. */
export function headerOf(request: IncomingMessage, name: string): string | null {
  const value = request.headers[name];
  return typeof value === 'string' ? value : null;
}
