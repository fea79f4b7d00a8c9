import type { Readable } from 'node:stream';
import { brotliDecompressSync, unzipSync } from 'node:zlib';
import type { Usage } from '../../job';
import { readResponseUsage, readUsage } from '../../provider/answer';

/** What an answer says of its call. */
export interface PassedCall {
  model: string | null;
  usage: Usage | null;
}

const UNKNOWN: PassedCall = { model: null, usage: null };

/** Longer answers (many embeddings) go by unread: they would be held whole, each of them. */
const READ_LIMIT_BYTES = 1024 * 1024;

/**
 * Reads along while an answer passes by, and tells what it says of its call once it has ended, whole or broken
 * off. Asks nothing of the stream and changes nothing in it.
 *
 * @param tell - model and usage; null where the answer does not say, or is too long or packed in a way that is
 *   not known
 */
export function readAlong(
  body: Readable,
  { type, encoding }: { type: string; encoding: string },
  tell: (call: PassedCall) => void,
): void {
  let parts: Buffer[] = [];
  let size = 0;
  body.on('data', (part: Buffer) => {
    size += part.length;
    if (size <= READ_LIMIT_BYTES) parts.push(part);
    else parts = [];
  });
  body.once('close', () => tell(size > READ_LIMIT_BYTES ? UNKNOWN : readCall(parts, type, encoding)));
}

function readCall(parts: Buffer[], type: string, encoding: string): PassedCall {
  try {
    const text = unpack(Buffer.concat(parts), encoding).toString('utf8');
    return type.startsWith('text/event-stream') ? readEvents(text) : callOf(JSON.parse(text));
  } catch {
    return UNKNOWN;
  }
}

function unpack(bytes: Buffer, encoding: string): Buffer {
  const limit = { maxOutputLength: 8 * READ_LIMIT_BYTES };
  if (encoding === '') return bytes;
  return encoding === 'br' ? brotliDecompressSync(bytes, limit) : unzipSync(bytes, limit);
}

/** Usage comes in one of the last events, where it comes at all (`stream_options.include_usage`). */
function readEvents(text: string): PassedCall {
  const said = { ...UNKNOWN };
  for (const line of text.split('\n')) {
    if (!line.startsWith('data: {')) continue;
    const call = callOf(JSON.parse(line.slice('data: '.length)));
    said.model = call.model ?? said.model;
    said.usage = call.usage ?? said.usage;
  }
  return said;
}

function callOf(answer: { model?: unknown; usage?: unknown; response?: unknown } | null): PassedCall {
  // the last event of a streamed response has the whole of it
  if (typeof answer?.response === 'object' && answer.response !== null) return callOf(answer.response);
  const { model, usage } = answer ?? {};
  return { model: typeof model === 'string' && model !== '' ? model : null, usage: usageOf(usage) };
}

/** Responses call them input and output, completions and embeddings prompt and completion. */
function usageOf(usage: unknown): Usage | null {
  if (typeof usage !== 'object' || usage === null) return null;
  if ('input_tokens' in usage) return readResponseUsage(usage);
  const read = readUsage(usage);
  // embeddings write nothing
  return read && !('completion_tokens' in usage) ? { ...read, output_tokens: 0 } : read;
}
