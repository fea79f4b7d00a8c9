import { randomBytes } from 'node:crypto';
import { answerChat } from './answer';
import type { ChatRequest, ResponseRequest, RuleAction, StoredResponse } from './protocol';

/** A response that has not begun. */
export function queuedResponse(request: ResponseRequest, now = new Date()): StoredResponse {
  return {
    id: `resp_${randomBytes(24).toString('hex')}`,
    object: 'response',
    created_at: Math.floor(now.getTime() / 1000),
    status: 'queued',
    background: request.background === true,
    error: null,
    incomplete_details: null,
    model: String(request.model),
    metadata: request.metadata ?? {},
    output: [],
    usage: null,
  };
}

/** The response with the answer that the rules give to its request; or failed, where `action.fail` says so. */
export function finishResponse(
  response: StoredResponse,
  request: ResponseRequest,
  action: RuleAction,
): StoredResponse {
  if (action.fail !== undefined) {
    const error = { code: action.fail, message: 'The offline model was told to fail.' };
    return { ...response, status: 'failed', error };
  }
  const { choices, usage } = answerChat(asChat(request), action);
  const { message, finish_reason } = choices[0]!;
  const reason = { length: 'max_output_tokens', content_filter: 'content_filter' }[finish_reason as string];
  const status = reason ? 'incomplete' : 'completed';
  const part =
    message.refusal !== null
      ? { type: 'refusal', refusal: message.refusal }
      : { type: 'output_text', text: message.content, annotations: [] };
  const calls = (message.tool_calls ?? []).flatMap((call) =>
    call.type === 'function'
      ? [{ type: 'function_call', id: itemId('fc'), call_id: call.id, status, ...call.function }]
      : [],
  );
  const said = { type: 'message', id: itemId('msg'), role: 'assistant', status, content: [part] };
  return {
    ...response,
    status,
    incomplete_details: reason ? { reason } : null,
    output: calls.length > 0 ? calls : [said],
    usage: {
      input_tokens: usage!.prompt_tokens,
      input_tokens_details: { cached_tokens: 0 },
      output_tokens: usage!.completion_tokens,
      output_tokens_details: { reasoning_tokens: 0 },
      total_tokens: usage!.total_tokens,
    },
  };
}

function itemId(kind: string): string {
  return `${kind}_${randomBytes(24).toString('hex')}`;
}

/** A request for a response in the words that the rules are written in: as one for a chat completion. */
export function asChat(request: ResponseRequest): ChatRequest {
  const { input, instructions, max_output_tokens } = request;
  const items = typeof input === 'string' ? [{ role: 'user', content: input }] : (input ?? []);
  const messages = items.filter((item) => 'role' in item && 'content' in item);
  const format = request.text?.format;
  const tools = (request.tools ?? []).filter((tool) => tool.type === 'function');
  return {
    model: request.model,
    messages: instructions ? [{ role: 'system', content: instructions }, ...messages] : messages,
    ...(max_output_tokens != null && { max_completion_tokens: max_output_tokens }),
    ...(tools.length > 0 && { tools: tools.map((tool) => ({ type: 'function', function: tool })) }),
    ...(typeof request.tool_choice === 'string' && { tool_choice: request.tool_choice }),
    ...(format && {
      response_format: format.type === 'json_schema' ? { type: format.type, json_schema: format } : format,
    }),
  } as ChatRequest;
}
