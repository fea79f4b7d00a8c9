import type { ResponseCreateParams } from 'openai/resources/responses/responses';
import type { ChatRequest } from '../tasks/task';
import type { RefuseOption } from './responses-request';

type Format = NonNullable<NonNullable<ResponseCreateParams['text']>['format']>;
type ChatTool = NonNullable<ChatRequest['tools']>[number];

/** `response_format` as `text.format`. What strictness is where none is said differs, so it is said. */
export function toTextFormat(
  format: NonNullable<ChatRequest['response_format']>,
  refuse: RefuseOption,
): Format {
  switch (format.type) {
    case 'json_schema': {
      const { name, schema, description, strict } = format.json_schema;
      return {
        type: 'json_schema',
        name,
        schema: schema ?? {},
        strict: strict ?? false,
        ...(description != null && { description }),
      };
    }
    case 'json_object':
    case 'text':
      return { type: format.type };
    default:
      return refuse(`response_format of type ${JSON.stringify((format as { type?: unknown }).type)}`);
  }
}

/** A tool of type function; functions are strict by default there, and are not here. */
export function toTool(tool: ChatTool, at: number, refuse: RefuseOption) {
  if (tool.type !== 'function') return refuse(`tools[${at}] of type ${JSON.stringify(tool.type)}`);
  const { name, description, parameters, strict } = tool.function;
  return {
    type: 'function' as const,
    name,
    ...(description != null && { description }),
    parameters: parameters ?? null,
    strict: strict ?? false,
  };
}

/** `none`, `auto`, `required`, or one function by name. */
export function toToolChoice(choice: NonNullable<ChatRequest['tool_choice']>, refuse: RefuseOption) {
  if (typeof choice === 'string') return choice;
  if (choice.type === 'function') return { type: 'function' as const, name: choice.function.name };
  return refuse(`tool_choice of type ${JSON.stringify(choice.type)}`);
}
