import { setMaxListeners } from 'node:events';
import type { FastifyInstance, FastifyReply } from 'fastify';

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
export function onEndOfWait(reply: FastifyReply, ms: number | undefined, end: () => void): () => void {
  const { closing } = reply.server;
  const off = () => {
    clearTimeout(timer);
    closing.removeEventListener('abort', over);
    reply.raw.off('close', over);
  };
  const over = () => {
    off();
    end();
  };
  const timer = ms === undefined ? undefined : setTimeout(over, ms);
  closing.addEventListener('abort', over);
  // a response closes in any case, sent or not; a request closes as soon as its body was read
  reply.raw.on('close', over);
  if (closing.aborted || reply.raw.destroyed) over();
  return off;
}
