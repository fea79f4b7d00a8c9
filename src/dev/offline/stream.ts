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
  const choice = completion.choices[0]!;
  const { content, refusal } = choice.message;
  const base = { id, object: 'chat.completion.chunk', created, model, system_fingerprint };
  const head = includeUsage ? { ...base, usage: null } : base;
  const chunk = (delta: object, finish_reason: string | null = null) => ({
    ...head,
    choices: [{ index: 0, delta, logprobs: null, finish_reason }],
  });
  const pieces = splitText(content ?? refusal ?? '').map((piece) =>
    chunk(content === null ? { refusal: piece } : { content: piece }),
  );
  const chunks = [chunk({ role: 'assistant', content: '' }), ...pieces, chunk({}, choice.finish_reason)];
  return includeUsage ? [...chunks, { ...base, choices: [], usage: usage ?? null }] : chunks;
}

/** Pieces of about a token's size that never split a character in two. */
function splitText(text: string): string[] {
  return text.match(/[\s\S]{1,6}(?![\uDC00-\uDFFF])/gu) ?? [];
}
