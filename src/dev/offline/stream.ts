import type { ServerResponse } from 'node:http';
import type { Completion } from './protocol';
import { resetConnection } from './wire';

/** How a streamed answer is sent. */
export interface StreamOptions {
  /** A last chunk with the usage, as `stream_options.include_usage` asks. */
  includeUsage: boolean;
  /** Reset the connection in the middle. */
  truncate: boolean;
}

/** Sends a completion as server-sent events: role, text in pieces, finish reason, usage, `[DONE]`. */
export function sendStream(response: ServerResponse, completion: Completion, options: StreamOptions): void {
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' });
  const events = [
    ...chunksOf(completion, options.includeUsage).map((chunk) => JSON.stringify(chunk)),
    '[DONE]',
  ];
  const sent = options.truncate ? events.slice(0, Math.ceil(events.length / 2)) : events;
  const text = sent.map((event) => `data: ${event}\n\n`).join('');
  if (options.truncate) response.write(text, () => resetConnection(response));
  else response.end(text);
}

function chunksOf(completion: Completion, includeUsage: boolean): object[] {
  const { id, created, model, system_fingerprint, usage } = completion;
  const base = { id, object: 'chat.completion.chunk', created, model, system_fingerprint };
  const head = includeUsage ? { ...base, usage: null } : base;
  const chunk = (index: number, delta: object, finish_reason: string | null = null) => ({
    ...head,
    choices: [{ index, delta, logprobs: null, finish_reason }],
  });
  const chunks = completion.choices.flatMap(({ index, message, finish_reason }) => [
    chunk(index, { role: 'assistant', content: '' }),
    ...splitText(message.content ?? message.refusal ?? '').map((piece) =>
      chunk(index, message.content === null ? { refusal: piece } : { content: piece }),
    ),
    ...(message.tool_calls ?? []).map((call, at) => chunk(index, { tool_calls: [{ index: at, ...call }] })),
    chunk(index, {}, finish_reason),
  ]);
  return includeUsage ? [...chunks, { ...base, choices: [], usage: usage ?? null }] : chunks;
}

/** Pieces of about a token's size that never split a character in two. */
function splitText(text: string): string[] {
  return text.match(/[\s\S]{1,6}(?![\uDC00-\uDFFF])/gu) ?? [];
}
