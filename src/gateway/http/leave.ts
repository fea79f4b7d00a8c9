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

/**
 * Aborts when a request has waited long enough: the time is over, its client has gone, or the gateway stops.
 * What was waited for goes on.
 *
 * @param ms - absent = as long as the client stays
 */
export function endOfWait(reply: FastifyReply, ms?: number): AbortSignal {
  const over = new AbortController();
  const end = () => over.abort();
  const timer = ms === undefined ? undefined : setTimeout(end, ms);
  const { closing } = reply.server;
  closing.addEventListener('abort', end, { once: true });
  // a response closes in any case, sent or not; a request closes as soon as its body was read
  reply.raw.once('close', () => {
    clearTimeout(timer);
    closing.removeEventListener('abort', end);
    end();
  });
  if (closing.aborted || reply.raw.destroyed) end();
  return over.signal;
}
