import type { IncomingMessage } from 'node:http';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { HttpError } from '../http/http-error';
import { parseStrictBody } from '../http/strict-body';

/** Whether a request names a job; one that does not is passed through. */
export function isKeyed(request: FastifyRequest): boolean {
  return request.headers['idempotency-key'] !== undefined;
}

/**
 * Reads the bodies of jobs as every route of jobs does. One that is only passed through stays a stream: what
 * is in it is between the caller and the provider.
 */
export function takeJsonOrStream(app: FastifyInstance, limit: number): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', async (request: FastifyRequest, payload: IncomingMessage) =>
    isKeyed(request) && !request.routeOptions.config.passThrough
      ? parseStrictBody(await readAll(payload, limit))
      : payload,
  );
}

async function readAll(payload: IncomingMessage, limit: number): Promise<Buffer> {
  const parts: Buffer[] = [];
  let size = 0;
  // not destroyed: that would close the connection before the answer that says why
  for await (const part of payload.iterator({ destroyOnReturn: false })) {
    size += (part as Buffer).length;
    if (size > limit) throw tooLarge(limit);
    parts.push(part as Buffer);
  }
  return Buffer.concat(parts);
}

function tooLarge(limit: number): HttpError {
  return new HttpError(413, 'too_large', 'Too large', `The body is over ${limit} bytes; send less.`, {
    connection: 'close',
  });
}
