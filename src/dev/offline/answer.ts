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
  const calls = action.content === undefined && action.refusal === undefined ? toolCalls(request) : [];
  const whole = calls.length > 0 ? '' : (action.content ?? contentFor(request));
  const cut = action.content === undefined && action.finish_reason === 'length';
  const kept = whole.slice(0, cut ? Math.floor(whole.length / 2) : limit * 4);
  const refusal = action.refusal ?? null;
  const promptTokens = countTokens(requestText(request));
  const count = request.n ?? 1;
  const said = calls.map((call) => call.function.arguments).join('');
  const completionTokens = countTokens(refusal ?? (said || kept)) * count;
  const ended = calls.length > 0 ? 'tool_calls' : kept.length < whole.length ? 'length' : 'stop';
  return {
    id: `chatcmpl-${randomBytes(15).toString('base64url')}`,
    object: 'chat.completion',
    created: Math.floor(now.getTime() / 1000),
    model: request.model,
    system_fingerprint: STAND_IN,
    choices: Array.from({ length: count }, (_, index) => ({
      index,
      message: {
        role: 'assistant',
        content: refusal === null && calls.length === 0 ? kept : null,
        refusal,
        ...(calls.length > 0 && { tool_calls: calls.map((call) => ({ ...call, id: callId() })) }),
      },
      finish_reason: action.finish_reason ?? ended,
      logprobs: null,
    })),
    usage: {
      prompt_tokens: promptTokens,
      completion_tokens: completionTokens,
      total_tokens: promptTokens + completionTokens,
      prompt_tokens_details: { cached_tokens: 0 },
      completion_tokens_details: { reasoning_tokens: 0 },
    },
  };
}

/**
 * The tool that the stand-in calls: the chosen function, else the first one, with the smallest arguments that
 * its schema allows; none where tools are off, or where the last word is not the user's.
 */
function toolCalls({ tools = [], tool_choice = 'auto', messages }: ChatRequest) {
  const functions = tools.flatMap((tool) => (tool.type === 'function' ? [tool.function] : []));
  const chosen =
    typeof tool_choice === 'object' && tool_choice.type === 'function'
      ? tool_choice.function.name
      : undefined;
  const called = functions.find(({ name }) => chosen === undefined || name === chosen);
  if (!called || tool_choice === 'none' || messages.at(-1)?.role !== 'user') return [];
  const args = JSON.stringify(minimalInstance((called.parameters ?? { type: 'object' }) as JsonSchema));
  return [{ type: 'function' as const, function: { name: called.name, arguments: args } }];
}

function callId(): string {
  return `call_${randomBytes(18).toString('base64url')}`;
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
