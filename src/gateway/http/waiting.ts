import type { FastifyInstance, FastifyReply } from 'fastify';
import { HttpError } from './http-error';
import { endOfWait } from './leave';

declare module 'fastify' {
  interface FastifyInstance {
    /** The requests that wait for a job now, event streams among them. */
    waiting: { now: number; readonly most: number; readonly byTenant: Map<string, number> };
  }
}

const COME_BACK_AFTER_S = 5;

/**
 * Counts who waits in this process.
 *
 * @param most - how many requests may wait at once (`INFER_ONCE_GATEWAY_MAX_WAITING`)
 */
export function addWaiting(app: FastifyInstance, most: number): void {
  app.decorate('waiting', { now: 0, most, byTenant: new Map() });
}

/**
 * Lets a request wait until its time is over, its client has gone or the gateway stops; see {@link endOfWait}.
 * Each one that waits holds a socket and memory, so past the limit one more would put all of them at risk.
 *
 * @throws HttpError with `Retry-After` where as many wait as may: 503, or 429 where only the key's tenant has its
 *   `max_waiting`; what was submitted is durable
 */
export function enterWait(reply: FastifyReply, ms?: number): AbortSignal {
  takePlace(reply);
  return endOfWait(reply, ms);
}

/**
 * Counts a request among those who wait, until its response closes.
 *
 * @throws as {@link enterWait}
 */
export function takePlace(reply: FastifyReply): void {
  const { waiting } = reply.server;
  const { tenant, apiKey } = reply.request;
  const ofTenant = tenant === null ? 0 : (waiting.byTenant.get(tenant) ?? 0);
  const share = apiKey?.limits?.max_waiting ?? Number.POSITIVE_INFINITY;
  if (ofTenant >= share) throw tooMany(429, `${share} requests of tenant ${tenant} wait here already`);
  if (waiting.now >= waiting.most) throw tooMany(503, `${waiting.most} requests wait here already`);
  if (reply.raw.destroyed) return;
  count(waiting, tenant, 1);
  reply.raw.once('close', () => count(waiting, tenant, -1));
}

function count(waiting: FastifyInstance['waiting'], tenant: string | null, by: 1 | -1): void {
  waiting.now += by;
  if (tenant === null) return;
  const now = (waiting.byTenant.get(tenant) ?? 0) + by;
  if (now > 0) waiting.byTenant.set(tenant, now);
  else waiting.byTenant.delete(tenant);
}

function tooMany(status: 429 | 503, why: string): HttpError {
  const message = `${why}; send this one again in ${COME_BACK_AFTER_S} s, it counts once.`;
  return new HttpError(status, 'too_many_waiting', 'Too many requests wait', message, {
    'retry-after': String(COME_BACK_AFTER_S),
  });
}
