import type { JobRecord } from '../../src/job';

/** An event as an EventSource would dispatch it, or a comment line. */
export interface SeenEvent {
  id: string;
  event: string;
  // biome-ignore lint/suspicious/noExplicitAny: a test says itself what it expects there
  data: any;
}

/** A stream that is read; what came so far is in `events`, `comments` and `retries`. */
export interface OpenStream {
  status: number;
  headers: Headers;
  events: SeenEvent[];
  comments: string[];
  retries: string[];
  /** Resolves when the server ends the stream; rejects where the reader left or the connection broke. */
  ended: Promise<void>;
  leave(): void;
}

/** Opens a stream and reads it as WHATWG HTML, 9.2.6, says, without coming back at its end. */
export async function openEvents(url: string, headers: Record<string, string> = {}): Promise<OpenStream> {
  const left = new AbortController();
  const response = await fetch(url, {
    headers: { accept: 'text/event-stream', ...headers },
    signal: left.signal,
  });
  const stream: OpenStream = {
    ...{ status: response.status, headers: response.headers },
    ...{ events: [], comments: [], retries: [] },
    ended: Promise.resolve(),
    leave: () => left.abort(),
  };
  stream.ended = readEvents(response, stream);
  stream.ended.catch(() => undefined);
  return stream;
}

async function readEvents({ body }: Response, { events, comments, retries }: OpenStream): Promise<void> {
  if (!body) return;
  let text = '';
  let lastId = '';
  let fields: Record<string, string> = {};
  for await (const chunk of body.pipeThrough(new TextDecoderStream())) {
    const lines = (text + chunk).split('\n');
    text = lines.pop()!;
    for (const line of lines) {
      if (line === '') {
        if ('data' in fields) {
          lastId = fields.id ?? lastId;
          events.push({ id: lastId, event: fields.event ?? 'message', data: JSON.parse(fields.data!) });
        }
        fields = {};
        continue;
      }
      const [, name = '', value = ''] = /^([^:]*)(?:: ?(.*))?$/.exec(line) ?? [];
      if (name === '') comments.push(value);
      else if (name === 'retry') retries.push(value);
      else if (name === 'data' && 'data' in fields) fields.data += `\n${value}`;
      else fields[name] = value;
    }
  }
}

/** The statuses that a stream told, in their order. */
export function statuses({ events }: OpenStream): JobRecord['status'][] {
  return events.filter(({ event }) => event !== 'end').map(({ data }) => data.status);
}
