import type { FastifyInstance, FastifyReply } from 'fastify';
import { HttpError } from './http-error';
import { endOfWait } from './leave';

declare module 'fastify' {
  interface FastifyInstance {
    /** The requests that wait for a job now, event streams among them. */
    waiting: { now: number; readonly most: number };
  }
}

const COME_BACK_AFTER_S = 5;

/**
 * Counts who waits in this process.
 *
 * @param most - how many requests may wait at once (`INFER_ONCE_GATEWAY_MAX_WAITING`)
 */
export function addWaiting(app: FastifyInstance, most: number): void {
  app.decorate('waiting', { now: 0, most });
}

/**
 * Lets a request wait until its time is over, its client has gone or the gateway stops; see {@link endOfWait}.
 * Each one that waits holds a socket and memory, so past the limit one more would put all of them at risk.
 *
 * @throws HttpError 503 with `Retry-After` where as many wait as may; what was submitted is durable
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
  if (waiting.now >= waiting.most) {
    const message = `${waiting.most} requests wait here already; send this one again in ${COME_BACK_AFTER_S} s, it counts once.`;
    throw new HttpError(503, 'too_many_waiting', 'Too many requests wait', message, {
      'retry-after': String(COME_BACK_AFTER_S),
    });
  }
  if (reply.raw.destroyed) return;
  waiting.now += 1;
  reply.raw.once('close', () => {
    waiting.now -= 1;
  });
}
