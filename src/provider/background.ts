import type OpenAI from 'openai';
import type { ResponseCreateParamsNonStreaming } from 'openai/resources/responses/responses';
import type { Agent } from 'undici';
import type { Operations, Outcome, SendContext, Started } from '../once/outcome';
import type { Task } from '../tasks/task';
import { classifyFault } from './classify';
import { addMarks } from './marks';
import { withProviderError } from './provider-error';
import { askProvider, ignoreStatus } from './recovery';
import { type ResponseSource, responseOutcome } from './response-outcome';
import { sendOnce } from './send-once';

/** A response that is running, or final; ids longer than any that a provider gives are no ids. */
interface AnyResponse {
  id: string;
  status: string;
}

const LONGEST_ID = 512;

/**
 * Starts a response in the background, once. Most servers answer with its id at once; one that does not know
 * the mode answers whole, which is as good.
 *
 * @param timeoutMs - the longest that the request may take
 */
export async function startResponse(
  client: OpenAI,
  agent: Agent,
  task: Task,
  request: ResponseCreateParamsNonStreaming,
  ctx: SendContext,
  timeoutMs: number,
  source: ResponseSource,
): Promise<Started | Outcome> {
  const own = { ...request.metadata, job_id: ctx.key, call_id: ctx.call_id };
  // the answer is found by its id: where a caller's own metadata leave no room, ours can do without
  const metadata = task.endpoint ? markedMetadata(request.metadata, ctx) : own;
  const sent = await sendOnce(
    agent,
    (options) => client.responses.create({ ...request, metadata }, options),
    looksLikeResponse,
    ctx,
    timeoutMs,
  );
  if ('fault' in sent) {
    const refused = classifyFault(sent.fault, { openaiApi: source.openaiApi, now: Date.now() });
    return task.endpoint ? withProviderError(refused, sent.fault) : refused;
  }
  if (!('body' in sent)) return sent;
  const outcome = responseOutcome(task, sent.body, source);
  return outcome.kind === 'running' ? { kind: 'started', operation: (sent.body as AnyResponse).id } : outcome;
}

function markedMetadata(own: ResponseCreateParamsNonStreaming['metadata'], ctx: SendContext) {
  return (addMarks(own, ctx) as typeof own) ?? own;
}

/** Background responses, by their ids, for one task. */
export function backgroundOperations(client: OpenAI, task: Task, source: ResponseSource): Operations {
  return {
    poll: (operation, signal) =>
      askProvider(signal, async (options) => {
        const response = await client.responses.retrieve(operation, {}, options).catch(ignoreStatus(404));
        // a page without a status says nothing of the response: it goes on
        if (response === undefined) return { kind: 'gone' };
        if (!looksLikeResponse(response)) throw Object.assign(new Error(), { name: 'unreadable answer' });
        const outcome = responseOutcome(task, response, source);
        if (outcome.kind === 'running' || !task.endpoint) return outcome;
        return withProviderError(outcome, { status: 200, body: response });
      }),
    cancel: (operation) =>
      askProvider(undefined, async (options) => {
        // 400 and 409: it is final already
        await client.responses.cancel(operation, options).catch(ignoreStatus(400, 404, 409));
      }),
  };
}

/**
 * Deletes stored responses; those that are gone already don't matter.
 *
 * @throws UnreachableError where the provider can't be asked or refuses
 */
export async function deleteResponses(client: OpenAI, operations: string[]): Promise<void> {
  for (const operation of operations) {
    await askProvider(undefined, async (options) => {
      // 405: a server that deletes nothing keeps nothing
      await client.responses.delete(operation, options).catch(ignoreStatus(404, 405));
    });
  }
}

/** Whether an answer is a response at all. */
export function looksLikeResponse(value: unknown): value is AnyResponse {
  const { id, status } = (value ?? {}) as Partial<AnyResponse>;
  return typeof id === 'string' && id !== '' && id.length <= LONGEST_ID && typeof status === 'string';
}
