import type { FastifyInstance, FastifyReply } from 'fastify';
import { HttpError } from './http-error';

declare module 'fastify' {
  interface FastifyInstance {
    /** The gateway's stop: whoever waits then answers with what is known. */
    closing: Closing;
  }
}

/**
 * Who has to hear that the gateway begins to stop. A set and no AbortSignal: that looks through all its listeners
 * whenever one comes or goes, so that beside ten thousand requests that wait each new one would pay for them.
 */
interface Closing {
  hasBegun: boolean;
  readonly waiting: Set<() => void>;
}

/** Adds `closing` to the server. */
export function addClosing(app: FastifyInstance): void {
  const closing: Closing = { hasBegun: false, waiting: new Set() };
  app.decorate('closing', closing);
  app.addHook('preClose', async () => {
    closing.hasBegun = true;
    for (const stop of closing.waiting) stop();
  });
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
    closing.waiting.delete(stop);
    reply.raw.off('close', leave);
  };
  const over = (why: EndOfWait) => {
    off();
    end(why);
  };
  const stop = () => over('stopping');
  const leave = () => over('left');
  const timer = ms === undefined ? undefined : setTimeout(over, ms, 'late' satisfies EndOfWait);
  closing.waiting.add(stop);
  // a response closes in any case, sent or not; a request closes as soon as its body was read
  reply.raw.on('close', leave);
  if (reply.raw.destroyed) leave();
  else if (closing.hasBegun) stop();
  return off;
}

/** The gateway is about to stop; the job goes on, and the same request joins it. */
export function stopping(): HttpError {
  const message = 'The gateway is stopping; send the request again, it counts once.';
  return new HttpError(503, 'stopping', 'The gateway is stopping', message, { 'retry-after': '1' });
}
