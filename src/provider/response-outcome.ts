import type { AnswerFacts, Outcome, Polled } from '../once/outcome';
import { judgeResponse } from '../tasks/judge-response';
import type { Task } from '../tasks/task';
import { readResponseUsage } from './answer';
import { judgedOutcome } from './judged-outcome';
import { priceUsd } from './price';

/** What is known of the provider that a response came from. */
export interface ResponseSource {
  baseUrl: string;
  /** True only where the host is api.openai.com: only its word for a failure is taken. */
  openaiApi: boolean;
}

/** Failures that say nothing about the request: it may be tried again. All others are about its content. */
const PASSING = ['server_error', 'rate_limit_exceeded', 'vector_store_timeout'];

/**
 * What a response of the Responses API means for a job's call. Pure.
 *
 * @param response - parsed JSON of any shape
 */
export function responseOutcome(
  task: Task,
  response: unknown,
  source: ResponseSource,
): Exclude<Polled, { kind: 'gone' }> {
  const { status, id, model, usage, error } = (response ?? {}) as Record<string, unknown>;
  switch (status) {
    case 'queued':
    case 'in_progress':
      return { kind: 'running' };
    case 'completed':
    case 'incomplete': {
      const facts: AnswerFacts = {
        usage: readResponseUsage(usage),
        model: typeof model === 'string' && model !== '' ? model : null,
        cost_usd: null,
        // the request that asked for it differs with each poll; the response's own id is for good
        request_id: typeof id === 'string' ? id : null,
      };
      facts.cost_usd = priceUsd(facts.model, facts.usage, source.baseUrl);
      return judgedOutcome(judgeResponse(task, response), facts);
    }
    case 'failed':
      return failedOutcome(error, usage, source);
    case 'cancelled':
      return { kind: 'unknown', reason: 'the response was cancelled at the provider' };
    default:
      return { kind: 'unknown', reason: "the provider's response can't be read" };
  }
}

/** A failure that tells of tokens was paid for, whatever else it says. */
function failedOutcome(error: unknown, usage: unknown, { openaiApi }: ResponseSource): Outcome {
  const code = (error as { code?: unknown } | null | undefined)?.code;
  const isWord = typeof code === 'string' && /^[\w.-]{1,64}$/.test(code);
  const said = `the response failed at the provider${isWord ? ` (code ${code})` : ''}`;
  const hasOutput = (readResponseUsage(usage)?.output_tokens ?? 0) > 0;
  if (!openaiApi || !isWord || hasOutput) return { kind: 'unknown', reason: said };
  if (PASSING.includes(code)) {
    return {
      kind: 'stated_failure',
      reason: 'provider_failed',
      message: `The provider failed: ${said}.`,
    };
  }
  return { kind: 'rejected', message: `The provider refused the request: ${said}.` };
}
