import type { FastifyInstance, HTTPMethods } from 'fastify';
import { HttpError } from './http-error';

const METHODS = ['GET', 'HEAD', 'PUT', 'POST', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'QUERY'];

/**
 * Answers a method that a path does not have with 405 and `Allow` (RFC 9110, 15.5.6). Begin before the routes
 * are there, and call what it returns once they are.
 *
 * @param others - the tag of routes that refuse by themselves, in a shape of their own
 */
export function refuseOtherMethods(app: FastifyInstance, others?: string): () => void {
  const known = new Map<string, Set<string>>();
  let isWatching = true;
  app.addHook('onRoute', ({ url, method, schema }) => {
    // what is not described is a page or its files
    if (!isWatching || !schema?.tags || (others && schema.tags.includes(others))) return;
    const methods = known.get(url) ?? new Set();
    for (const name of [method].flat()) methods.add(name);
    known.set(url, methods);
  });
  return () => {
    isWatching = false;
    for (const [url, methods] of known) {
      const allow = [...methods].join(', ');
      const method = METHODS.filter((name) => !methods.has(name)) as HTTPMethods[];
      if (method.length === 0) continue;
      const refuse = async () => {
        const message = `This path takes ${allow}.`;
        throw new HttpError(405, 'method_not_allowed', 'The path has no such method', message, { allow });
      };
      // before the body is looked at: a QUERY without one would be a 400
      const route = { onRequest: refuse, handler: refuse, schema: { hide: true }, exposeHeadRoute: false };
      app.route({ ...route, method, url });
    }
  };
}
