/** Chunks of a completion as server-sent events, with the mark by which its clients know the end. */
export function completionSse(chunks: object[]): string {
  return [...chunks.map((chunk) => JSON.stringify(chunk)), '[DONE]']
    .map((data) => `data: ${data}\n\n`)
    .join('');
}

/** Events of a response as server-sent events, each by its name. */
export function responseSse(events: { type: string }[]): string {
  return events.map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`).join('');
}
