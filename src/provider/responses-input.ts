import type { ResponseInputContent, ResponseInputItem } from 'openai/resources/responses/responses';
import type { ChatMessages } from '../tasks/task';
import type { RefuseOption } from './responses-request';

type ChatMessage = ChatMessages[number];
type ChatContent = Exclude<ChatMessage['content'], string | null | undefined>;

const KNOWN: Partial<Record<ChatMessage['role'], string[]>> = {
  system: ['role', 'content'],
  developer: ['role', 'content'],
  user: ['role', 'content'],
  assistant: ['role', 'content', 'tool_calls'],
  tool: ['role', 'content', 'tool_call_id'],
};

/** `messages` as `input`: a message is one item, but an assistant's tool calls are items of their own. */
export function toResponsesInput(messages: ChatMessages, refuse: RefuseOption): ResponseInputItem[] {
  return messages.flatMap((message, at) => toItems(message, `messages[${at}]`, refuse));
}

function toItems(message: ChatMessage, where: string, refuse: RefuseOption): ResponseInputItem[] {
  const known = KNOWN[message.role];
  if (!known) return refuse(`${where} of role ${JSON.stringify(message.role)}`);
  for (const [field, value] of Object.entries(message)) {
    if (value != null && !known.includes(field)) refuse(`${where}.${field}`);
  }
  switch (message.role) {
    case 'system':
    case 'developer':
    case 'user': {
      const content =
        typeof message.content === 'string' ? message.content : toParts(message.content, where, refuse);
      return [{ role: message.role, content }];
    }
    case 'assistant':
      return [
        ...(message.content == null
          ? []
          : [{ role: message.role, content: onlyText(message.content, where, refuse) }]),
        ...(message.tool_calls ?? []).map((call, at) => toCall(call, `${where}.tool_calls[${at}]`, refuse)),
      ];
    case 'tool':
      return [
        {
          type: 'function_call_output',
          call_id: message.tool_call_id,
          output: onlyText(message.content, where, refuse),
        },
      ];
    default:
      return refuse(`${where} of role ${JSON.stringify(message.role)}`);
  }
}

function toParts(content: ChatContent, where: string, refuse: RefuseOption): ResponseInputContent[] {
  return content.map((part, at): ResponseInputContent => {
    switch (part.type) {
      case 'text':
        return { type: 'input_text', text: part.text };
      case 'image_url': {
        const { url, detail = 'auto' } = part.image_url;
        return { type: 'input_image', image_url: url, detail };
      }
      case 'file':
        return { type: 'input_file', ...part.file };
      default:
        return refuse(`${where}.content[${at}] of type ${JSON.stringify(part.type)}`);
    }
  });
}

/** What a model or a tool said, as one text: parts of it are no parts of an input there. */
function onlyText(content: string | ChatContent, where: string, refuse: RefuseOption): string {
  if (typeof content === 'string') return content;
  return content
    .map((part, at) =>
      part.type === 'text'
        ? part.text
        : refuse(`${where}.content[${at}] of type ${JSON.stringify(part.type)}`),
    )
    .join('');
}

function toCall(
  call: NonNullable<Extract<ChatMessage, { role: 'assistant' }>['tool_calls']>[number],
  where: string,
  refuse: RefuseOption,
): ResponseInputItem {
  if (call.type !== 'function') return refuse(`${where} of type ${JSON.stringify(call.type)}`);
  const { name, arguments: args } = call.function;
  return { type: 'function_call', call_id: call.id, name, arguments: args };
}
