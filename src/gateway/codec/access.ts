import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { HttpError } from '../http/http-error';

const COOKIE = 'infer_once_codec';
/** A working day. */
const COOKIE_S = 12 * 3_600;

/** Who may have payloads decoded, and from which pages. */
export class CodecAccess {
  private readonly session: string;

  /**
   * @param token - of those who may see what jobs hold, of every tenant: no API key does
   * @param origins - of the pages that may ask, such as Temporal UI's
   */
  constructor(
    private readonly token: string,
    private readonly origins: readonly string[],
  ) {
    this.session = createHmac('sha256', token).update('infer-once codec session').digest('hex');
  }

  /**
   * Lets a request pass by its token, or by the cookie that {@link signIn} gave.
   *
   * @throws HttpError 401
   */
  check(request: FastifyRequest): void {
    const bearer = /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
    if (bearer !== undefined && isSame(bearer, this.token)) return;
    // a browser sends the cookie whoever's page it is that asks
    const cookie = cookieOf(request);
    if (cookie !== undefined && this.isOfPage(request) && isSame(cookie, this.session)) return;
    throw new HttpError(
      401,
      'unauthorized',
      'The codec token is needed',
      'Send Authorization: Bearer TOKEN with the value of INFER_ONCE_CODEC_TOKEN; an API key is not taken here.',
      { 'www-authenticate': 'Bearer realm="infer-once codec"' },
    );
  }

  /** Gives a browser a cookie for the token. @returns false where it is another token */
  signIn(reply: FastifyReply, token: string): boolean {
    if (!isSame(token, this.token)) return false;
    reply.header(
      'set-cookie',
      `${COOKIE}=${this.session}; Path=/codec; Max-Age=${COOKIE_S}; HttpOnly; Secure; SameSite=Strict`,
    );
    return true;
  }

  /** Tells the browser of a page that may ask that it may (CORS). @throws HttpError 403 for any other page */
  allowPage(request: FastifyRequest, reply: FastifyReply): void {
    const { origin } = request.headers;
    reply.header('vary', 'Origin');
    if (origin === undefined) return;
    if (!this.isOfPage(request)) {
      throw new HttpError(
        403,
        'origin_not_allowed',
        'This page may not ask',
        'Name the origin of Temporal UI in INFER_ONCE_CODEC_ORIGINS.',
      );
    }
    reply.header('access-control-allow-origin', origin).header('access-control-allow-credentials', 'true');
  }

  private isOfPage({ headers: { origin } }: FastifyRequest): boolean {
    return origin !== undefined && this.origins.includes(origin);
  }
}

function cookieOf({ headers }: FastifyRequest): string | undefined {
  const pairs = (headers.cookie ?? '').split(';').map((pair) => pair.trim().split('='));
  return pairs.find(([name]) => name === COOKIE)?.[1];
}

/** In the same time wherever the first difference is. */
function isSame(given: string, wanted: string): boolean {
  const hash = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(hash(given), hash(wanted));
}
