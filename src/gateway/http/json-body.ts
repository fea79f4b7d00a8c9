import type { FastifyInstance } from 'fastify';
import { HttpError } from './http-error';
import { parseStrictBody } from './strict-body';

/** Takes JSON bodies only, read strictly; see {@link parseStrictBody}. */
export function takeJsonOnly(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body, done) => {
    try {
      checkCharset(request.headers['content-type']);
      // an empty body with a type is what many clients send to a route that wants none
      done(null, body.length === 0 ? undefined : parseStrictBody(body as Buffer));
    } catch (error) {
      done(error as Error);
    }
  });
}

function checkCharset(type = ''): void {
  const charset = /;\s*charset\s*=\s*"?([^";\s]+)/i.exec(type)?.[1];
  if (charset === undefined || /^utf-?8$/i.test(charset)) return;
  throw new HttpError(
    415,
    'invalid_media_type',
    'The body is of a type that is not taken',
    'The body says another character set than UTF-8; JSON travels as UTF-8 (RFC 8259, 8.1).',
  );
}
