import type OpenAI from 'openai';
import type { ResponseCreateParamsNonStreaming } from 'openai/resources/responses/responses';
import type { Agent } from 'undici';
import type { Outcome, SendContext } from '../once/outcome';
import type { Task } from '../tasks/task';
import { looksLikeResponse } from './background';
import { classifyFault } from './classify';
import { withProviderError } from './provider-error';
import { type ResponseSource, responseOutcome } from './response-outcome';
import { sendOnce } from './send-once';

/**
 * Sends a caller's own request to the Responses API, once, and waits for the answer. Nothing is added to it:
 * responses can't be listed, so nothing would help to find this one again.
 *
 * @param timeoutMs - the longest the call may take
 */
export async function sendResponse(
  client: OpenAI,
  agent: Agent,
  task: Task,
  request: ResponseCreateParamsNonStreaming,
  ctx: SendContext,
  timeoutMs: number,
  source: ResponseSource,
): Promise<Outcome> {
  const sent = await sendOnce(
    agent,
    (options) => client.responses.create(request, options),
    looksLikeResponse,
    ctx,
    timeoutMs,
  );
  if ('fault' in sent) {
    const outcome = classifyFault(sent.fault, { openaiApi: source.openaiApi, now: Date.now() });
    return withProviderError(outcome, sent.fault);
  }
  if (!('body' in sent)) return sent;
  const outcome = responseOutcome(task, sent.body, source);
  if (outcome.kind === 'running') return { kind: 'unknown', reason: 'the provider answered before its end' };
  if (outcome.kind !== 'answered') return withProviderError(outcome, { status: 200, body: sent.body });
  const { id, store } = sent.body as { id: string; store?: unknown };
  const isKept = request.store !== false && store !== false;
  return { ...outcome, request_id: sent.requestId ?? id, ...(isKept && { operation: id }) };
}
