import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { HttpError } from '../http/http-error';
import { parseStrictBody } from '../http/strict-body';

/** Whether a request names a job; one that does not is passed through. */
export function isKeyed(request: FastifyRequest): boolean {
  return request.headers['idempotency-key'] !== undefined;
}

/**
 * Reads the bodies of jobs as every route of jobs does. One that is only passed through stays a stream: what
 * is in it is between the caller and the provider. Neither is longer than `limit` bytes.
 */
export function takeJsonOrStream(app: FastifyInstance, limit: number): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', async (request: FastifyRequest, payload: IncomingMessage) =>
    isKeyed(request) && !request.routeOptions.config.passThrough
      ? parseStrictBody(await readAll(payload, limit))
      : limited(payload, limit),
  );
}

/** By listeners: an iterator over the stream cost more than all else that is done with a small body. */
function readAll(payload: IncomingMessage, limit: number): Promise<Buffer> {
  if (Number(payload.headers['content-length'] ?? 0) > limit) throw tooLarge(limit);
  return new Promise((done, failed) => {
    const parts: Buffer[] = [];
    let size = 0;
    const take = (part: Buffer) => {
      size += part.length;
      if (size <= limit) return parts.push(part);
      // it stays, half read: to destroy it closes the connection before the answer that says why
      payload.off('data', take).pause();
      failed(tooLarge(limit));
    };
    payload.on('data', take);
    payload.once('end', () => done(parts.length === 1 ? parts[0]! : Buffer.concat(parts)));
    payload.once('error', failed);
  });
}

/** @throws HttpError 413, at once where the length is said, else in mid-stream */
function limited(payload: IncomingMessage, limit: number): Readable {
  if (Number(payload.headers['content-length'] ?? 0) > limit) throw tooLarge(limit);
  return Readable.from(countBytes(payload, limit), { objectMode: false });
}

async function* countBytes(payload: IncomingMessage, limit: number): AsyncGenerator<Buffer> {
  let size = 0;
  try {
    for await (const part of payload.iterator({ destroyOnReturn: false })) {
      size += (part as Buffer).length;
      if (size > limit) throw tooLarge(limit);
      yield part as Buffer;
    }
  } finally {
    // one that is too long has to stay: to destroy it closes the connection before the answer that says why
    if (size <= limit) payload.destroy();
  }
}

function tooLarge(limit: number): HttpError {
  return new HttpError(413, 'too_large', 'Too large', `The body is over ${limit} bytes; send less.`, {
    connection: 'close',
  });
}
