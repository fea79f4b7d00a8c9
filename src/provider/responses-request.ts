import type {
  ResponseCreateParamsNonStreaming,
  ResponseInputItem,
} from 'openai/resources/responses/responses';
import { ConfigError } from '../errors';
import type { ChatRequest } from '../tasks/task';
import { toResponsesInput } from './responses-input';
import { toTextFormat, toTool, toToolChoice } from './responses-tools';

/** Says that an option of the request has no counterpart; never returns. */
export type RefuseOption = (option: string, why?: string) => never;

/** Options that are the same in both APIs. */
const SAME = [
  ...['model', 'temperature', 'top_p', 'metadata', 'user', 'safety_identifier', 'parallel_tool_calls'],
  ...['service_tier', 'prompt_cache_key', 'prompt_cache_retention', 'prompt_cache_options'],
] as const;

/** Options that are translated below. */
const TRANSLATED = [
  ...['messages', 'response_format', 'max_completion_tokens', 'max_tokens', 'reasoning_effort'],
  ...['verbosity', 'tools', 'tool_choice', 'store'],
];

/** Options without a counterpart, at the value that changes nothing. */
const NEUTRAL: Record<string, unknown> = {
  n: 1,
  stream: false,
  logprobs: false,
  frequency_penalty: 0,
  presence_penalty: 0,
};

/**
 * The request for the Responses API, run in the background, that asks what a Chat Completions request asks.
 * Pure. A task has one vocabulary, whichever way its answer is fetched.
 *
 * @param task - its name, for the message
 * @throws ConfigError that names an option which has no counterpart; none is dropped silently
 *
 * @example
 * toResponsesRequest('greet', { model: 'gpt-6-luna', messages: [{ role: 'user', content: 'Hi' }] })
 * // { model: 'gpt-6-luna', input: [{ role: 'user', content: 'Hi' }], background: true, store: true }
 */
export function toResponsesRequest(task: string, request: ChatRequest): ResponseCreateParamsNonStreaming {
  const refuse: RefuseOption = (option, why = 'the Responses API has no counterpart of it') => {
    throw new ConfigError(
      `Task "${task}" can't run with recovery background: its request has ${option}, and ${why}; leave it out, or choose another recovery.`,
    );
  };
  refuseUnknown(request, refuse);
  const { max_completion_tokens, max_tokens, reasoning_effort, tools, tool_choice } = request;
  if (request.store === false) refuse('store: false', 'a background response has to be stored');
  if (max_completion_tokens != null && max_tokens != null) {
    refuse('max_tokens beside max_completion_tokens', 'only one of them can be the limit');
  }
  const limit = max_completion_tokens ?? max_tokens;
  return {
    ...pick(request),
    input: toResponsesInput(request.messages, refuse) as ResponseInputItem[],
    ...(limit != null && { max_output_tokens: limit }),
    ...(reasoning_effort != null && { reasoning: { effort: reasoning_effort } }),
    ...textOf(request, refuse),
    ...(tools && { tools: tools.map((tool, at) => toTool(tool, at, refuse)) }),
    ...(tool_choice != null && { tool_choice: toToolChoice(tool_choice, refuse) }),
    background: true,
    store: true,
  } as ResponseCreateParamsNonStreaming;
}

function refuseUnknown(request: ChatRequest, refuse: RefuseOption): void {
  for (const [option, value] of Object.entries(request)) {
    if (value === null || value === undefined || value === NEUTRAL[option]) continue;
    if (!TRANSLATED.includes(option) && !(SAME as readonly string[]).includes(option)) refuse(option);
  }
}

function pick(request: ChatRequest): Partial<ChatRequest> {
  return Object.fromEntries(
    SAME.flatMap((option) => (request[option] != null ? [[option, request[option]]] : [])),
  );
}

function textOf({ response_format, verbosity }: ChatRequest, refuse: RefuseOption) {
  if (response_format == null && verbosity == null) return {};
  return {
    text: {
      ...(response_format != null && { format: toTextFormat(response_format, refuse) }),
      ...(verbosity != null && { verbosity }),
    },
  };
}
