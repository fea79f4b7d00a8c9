import rateLimit from '@fastify/rate-limit';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { HttpError } from './http/http-error';
import type { KeyEntry, KeyLimits } from './keys/key';

declare module 'fastify' {
  interface FastifyRequest {
    /** Whose jobs this request may see and make; null = those without a tenant. */
    tenant: string | null;
    /** The key that named the tenant; null where the gateway has no keys. */
    apiKey: KeyEntry | null;
  }
  interface FastifyContextConfig {
    /** Answers without a key: it shows nothing of any job. */
    isPublic?: boolean;
    /** Says by itself which web pages may ask: pages of other origins are not refused before it. */
    checksOrigin?: boolean;
  }
}

/** Knows keys; null = the gateway has none, and the caller's bearer is ignored. */
export type Keys = { find(key: string): KeyEntry | null } | null;

/**
 * Names the tenant of each request by its key, before anything else is read of it, and holds keys with a limit
 * to it. A route is shut without a key unless its config says `isPublic`; so is a path that is no route.
 */
export function addAuth(app: FastifyInstance, keys: Keys): void {
  app.decorateRequest('tenant', null);
  app.decorateRequest('apiKey', null);
  if (!keys) return;
  app.addHook('onRequest', (request, _, done) => {
    if (!request.routeOptions.config.isPublic) {
      const entry = authenticate(keys, request.headers.authorization);
      request.apiKey = entry;
      request.tenant = entry.tenant;
    }
    done();
  });
  addLimits(app);
}

function authenticate(keys: NonNullable<Keys>, header: string | undefined): KeyEntry {
  const key = /^Bearer +(\S+)$/i.exec(header ?? '')?.[1];
  const entry = key === undefined ? null : keys.find(key);
  if (entry) return entry;
  // RFC 6750, 3: who presented none is not told that it was wrong
  const challenge = `Bearer realm="infer-once"${key === undefined ? '' : ', error="invalid_token"'}`;
  const message = key === undefined ? 'A key is missing' : 'This key is not, or no longer, known here';
  throw new HttpError(401, 'unauthorized', 'A key is needed', `${message}; send Authorization: Bearer KEY.`, {
    'www-authenticate': challenge,
  });
}

type Rate = KeyLimits & { rps: number };

/** `burst` requests in the time that `rps` gives them; counted in this process. */
function addLimits(app: FastifyInstance): void {
  const burstOf = ({ rps, burst }: Rate) => burst ?? Math.max(1, Math.floor(rps));
  const limitsOf = (request: FastifyRequest) => request.apiKey!.limits as Rate;
  app.register(rateLimit, { global: false });
  app.after(() => {
    const take = app.createRateLimit({
      keyGenerator: (request) => request.apiKey!.id,
      max: (request) => burstOf(limitsOf(request)),
      timeWindow: (request) => Math.ceil((burstOf(limitsOf(request)) / limitsOf(request).rps) * 1000),
    });
    const hold = async (request: FastifyRequest, { id, limits }: KeyEntry) => {
      const taken = await take(request);
      if (taken.isAllowed || !taken.isExceeded) return;
      const seconds = String(Math.max(1, taken.ttlInSeconds));
      const message = `Key ${id} may send ${limits!.rps} requests a second; come back in ${seconds} s.`;
      throw new HttpError(429, 'rate_limited', 'Too many requests', message, { 'retry-after': seconds });
    };
    app.addHook('onRequest', (request, _, done) => {
      if (request.apiKey?.limits?.rps !== undefined) hold(request, request.apiKey).then(() => done(), done);
      else done();
    });
  });
}
