import { randomBytes } from 'node:crypto';
import { enrichByRules } from './enrich-rules';
import { type ChatRequest, type Completion, type RuleAction, STAND_IN } from './protocol';
import { type JsonSchema, minimalInstance } from './schema-instance';

/**
 * Makes the completion for a request; pure but for its random id. `action` may set content, refusal, finish reason.
 * Tokens are counted as a quarter of the characters, rounded up.
 */
export function answerChat(request: ChatRequest, action: RuleAction = {}, now = new Date()): Completion {
  const limit = request.max_completion_tokens ?? request.max_tokens ?? Number.POSITIVE_INFINITY;
  const whole = action.content ?? contentFor(request);
  const cut = action.content === undefined && action.finish_reason === 'length';
  const kept = whole.slice(0, cut ? Math.floor(whole.length / 2) : limit * 4);
  const refusal = action.refusal ?? null;
  const promptTokens = countTokens(requestText(request));
  const completionTokens = countTokens(refusal ?? kept);
  return {
    id: `chatcmpl-${randomBytes(15).toString('base64url')}`,
    object: 'chat.completion',
    created: Math.floor(now.getTime() / 1000),
    model: request.model,
    system_fingerprint: STAND_IN,
    choices: [
      {
        index: 0,
        message: { role: 'assistant', content: refusal === null ? kept : null, refusal },
        finish_reason: action.finish_reason ?? (kept.length < whole.length ? 'length' : 'stop'),
        logprobs: null,
      },
    ],
    usage: {
      prompt_tokens: promptTokens,
      completion_tokens: completionTokens,
      total_tokens: promptTokens + completionTokens,
      prompt_tokens_details: { cached_tokens: 0 },
      completion_tokens_details: { reasoning_tokens: 0 },
    },
  };
}

/** The text of all messages, a line each. */
export function requestText(request: ChatRequest): string {
  return request.messages.map(messageText).join('\n');
}

function contentFor(request: ChatRequest): string {
  const format = request.response_format;
  if (format?.type === 'json_schema') {
    const { name, schema } = format.json_schema;
    const input = name === 'enrich' ? findEnrichInput(request) : undefined;
    return JSON.stringify(input ? enrichByRules(input) : minimalInstance((schema ?? {}) as JsonSchema));
  }
  if (format?.type === 'json_object') return '{}';
  return '[stand-in] This answer comes from the offline model, which follows rules and knows nothing.';
}

function findEnrichInput(request: ChatRequest): { title: string; category?: string } | undefined {
  const last = request.messages.findLast((message) => message.role === 'user');
  const text = last ? messageText(last) : '';
  try {
    const found = JSON.parse(text.slice(text.indexOf('{'), text.lastIndexOf('}') + 1));
    return typeof found?.title === 'string' ? found : undefined;
  } catch {
    return undefined;
  }
}

function messageText({ content }: ChatRequest['messages'][number]): string {
  if (typeof content === 'string') return content;
  return (content ?? []).map((part) => ('text' in part ? part.text : '')).join('');
}

function countTokens(text: string): number {
  return Math.ceil(text.length / 4);
}
