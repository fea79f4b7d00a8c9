import type { Usage } from '../job';
import type { Answered, AnswerFacts, BadAnswer } from '../once/outcome';
import { judgeCompletion } from '../tasks/judge';
import type { Task } from '../tasks/task';
import { judgedOutcome } from './judged-outcome';
import { priceUsd } from './price';

/**
 * The outcome of a completion that arrived, whether as the answer to a call or found by recovery.
 *
 * @param completion - parsed JSON of any shape
 * @param source - request id where known, and the base URL for the price
 */
export function answerOutcome(
  task: Task,
  completion: unknown,
  source: { requestId: string | null; baseUrl: string },
): Answered | BadAnswer {
  const usage = readUsage((completion as { usage?: unknown }).usage);
  const model = (completion as { model?: unknown }).model;
  const facts: AnswerFacts = {
    usage,
    model: typeof model === 'string' && model !== '' ? model : null,
    cost_usd: null,
    request_id: source.requestId,
  };
  facts.cost_usd = priceUsd(facts.model, usage, source.baseUrl);
  return judgedOutcome(judgeCompletion(task, completion), facts);
}

/**
 * Chat Completions' usage in our words; what is not said is null, and no usage at all is null as a whole.
 */
export function readUsage(usage: unknown): Usage | null {
  if (typeof usage !== 'object' || usage === null) return null;
  const said = usage as {
    prompt_tokens?: unknown;
    completion_tokens?: unknown;
    prompt_tokens_details?: { cached_tokens?: unknown } | null;
    completion_tokens_details?: { reasoning_tokens?: unknown } | null;
  };
  return {
    input_tokens: readCount(said.prompt_tokens),
    cached_tokens: readCount(said.prompt_tokens_details?.cached_tokens),
    output_tokens: readCount(said.completion_tokens),
    reasoning_tokens: readCount(said.completion_tokens_details?.reasoning_tokens),
  };
}

/** The Responses API's usage in our words, as {@link readUsage} does. */
export function readResponseUsage(usage: unknown): Usage | null {
  if (typeof usage !== 'object' || usage === null) return null;
  const said = usage as {
    input_tokens?: unknown;
    output_tokens?: unknown;
    input_tokens_details?: { cached_tokens?: unknown } | null;
    output_tokens_details?: { reasoning_tokens?: unknown } | null;
  };
  return {
    input_tokens: readCount(said.input_tokens),
    cached_tokens: readCount(said.input_tokens_details?.cached_tokens),
    output_tokens: readCount(said.output_tokens),
    reasoning_tokens: readCount(said.output_tokens_details?.reasoning_tokens),
  };
}

function readCount(value: unknown): number | null {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : null;
}
