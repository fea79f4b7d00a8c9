import { setMaxListeners } from 'node:events';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { HttpError } from './http-error';

declare module 'fastify' {
  interface FastifyInstance {
    /** Aborts when the gateway begins to stop: whoever waits answers with what is known. */
    closing: AbortSignal;
  }
}

/** Adds `closing` to the server. */
export function addClosing(app: FastifyInstance): void {
  const closing = new AbortController();
  setMaxListeners(0, closing.signal);
  app.decorate('closing', closing.signal);
  app.addHook('preClose', async () => closing.abort());
}

/** The time is over, the client has gone, or the gateway stops. */
export type EndOfWait = 'late' | 'left' | 'stopping';

/** One for all: a reason of its own would cost each request a stack trace. */
const WAIT_IS_OVER = new Error('the wait is over');

/**
 * Aborts when a request has waited long enough: the time is over, its client has gone, or the gateway stops.
 * What was waited for goes on.
 *
 * @param ms - absent = as long as the client stays
 */
export function endOfWait(reply: FastifyReply, ms?: number): AbortSignal {
  const over = new AbortController();
  onEndOfWait(reply, ms, () => over.abort(WAIT_IS_OVER));
  return over.signal;
}

/**
 * Calls `end` once when a request has waited long enough, as {@link endOfWait} has it.
 *
 * @returns takes it back
 */
export function onEndOfWait(
  reply: FastifyReply,
  ms: number | undefined,
  end: (why: EndOfWait) => void,
): () => void {
  const { closing } = reply.server;
  const off = () => {
    clearTimeout(timer);
    closing.removeEventListener('abort', stop);
    reply.raw.off('close', leave);
  };
  const over = (why: EndOfWait) => {
    off();
    end(why);
  };
  const stop = () => over('stopping');
  const leave = () => over('left');
  const timer = ms === undefined ? undefined : setTimeout(over, ms, 'late' satisfies EndOfWait);
  closing.addEventListener('abort', stop);
  // a response closes in any case, sent or not; a request closes as soon as its body was read
  reply.raw.on('close', leave);
  if (reply.raw.destroyed) leave();
  else if (closing.aborted) stop();
  return off;
}

/** The gateway is about to stop; the job goes on, and the same request joins it. */
export function stopping(): HttpError {
  const message = 'The gateway is stopping; send the request again, it counts once.';
  return new HttpError(503, 'stopping', 'The gateway is stopping', message, { 'retry-after': '1' });
}
