import { sseMessage } from '../http/sse';

/** Chunks of a completion as server-sent events, with the mark by which its clients know the end. */
export function completionSse(chunks: object[]): string {
  return `${chunks.map((data) => sseMessage({ data })).join('')}data: [DONE]\n\n`;
}

/** Events of a response as server-sent events, each by its name. */
export function responseSse(events: { type: string }[]): string {
  return events.map((event) => sseMessage({ event: event.type, data: event })).join('');
}
