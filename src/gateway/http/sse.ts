/** One message of an event stream (WHATWG HTML, 9.2.6). */
export interface SseMessage {
  /** What the client sends back as `Last-Event-ID`. */
  id?: string;
  event?: string;
  /** Sent as JSON, which has no line breaks of its own. */
  data: unknown;
}

/** A message as it goes over the wire. Its id and event must be free of line breaks. */
export function sseMessage({ id, event, data }: SseMessage): string {
  const fields = [
    ...(id === undefined ? [] : [`id: ${id}`]),
    ...(event === undefined ? [] : [`event: ${event}`]),
    `data: ${JSON.stringify(data)}`,
  ];
  return `${fields.join('\n')}\n\n`;
}

/** A line that clients skip; it keeps proxies from taking the connection for dead. */
export function sseComment(text: string): string {
  return `: ${text}\n\n`;
}

/** After how many ms a client whose connection broke comes back. */
export function sseRetry(ms: number): string {
  return `retry: ${ms}\n\n`;
}
