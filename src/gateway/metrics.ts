import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import type { Metrics } from '../metrics';
import type { GatewayOptions } from './deps';
import { HttpError } from './http/http-error';
import { METRICS_ANSWERS } from './openapi/answers';

declare module 'fastify' {
  interface FastifyRequest {
    /** When it came, by `performance.now()`; null once it is counted. */
    begunAt: number | null;
  }
}

/**
 * `/metrics`: what this gateway counted. It names every tenant's tasks and tells how much they use, so that no
 * tenant may read it: a gateway with keys serves it on a port of its own only (`INFER_ONCE_METRICS_PORT`), also
 * on loopback, where a proxy may stand before it. One without keys is on loopback, and open.
 */
export const metricsRoutes: FastifyPluginAsyncZod<GatewayOptions> = async (app, { deps }) => {
  const { keys, metrics } = deps;
  const { registry } = metrics;
  const schema = { tags: ['health'], summary: 'What it counted', security: [], response: METRICS_ANSWERS };
  // nobody's key opens it: a scraper without one is told the same
  app.get('/metrics', { config: { isPublic: true }, schema }, async (_, reply) => {
    if (keys !== null) throw elsewhere();
    return reply
      .header('cache-control', 'no-store')
      .type(registry.contentType)
      .send(await registry.metrics());
  });
};

/** Times every request, by the route that it met: never by its path, which has a job's id. */
export function addTiming(app: FastifyInstance, { httpSeconds }: Metrics): void {
  const observe = (request: FastifyRequest, status: string) => {
    const { method, begunAt, routeOptions } = request;
    if (begunAt === null) return;
    // an answer that is told to nobody is not counted again
    request.begunAt = null;
    httpSeconds.observe(
      { method, route: routeOptions.url ?? 'none', status },
      (performance.now() - begunAt) / 1000,
    );
  };
  app.decorateRequest('begunAt', null);
  // here and in the other hooks: no promise where nothing is waited for, every request would pay for it
  app.addHook('onRequest', (request, _, done) => {
    request.begunAt = performance.now();
    done();
  });
  // whoever lost patience is what one looks for here
  app.addHook('onRequestAbort', (request, done) => {
    observe(request, 'client_left');
    done();
  });
  app.addHook('onResponse', (request, { statusCode }, done) => {
    observe(request, String(statusCode));
    done();
  });
}

function elsewhere(): HttpError {
  return new HttpError(
    403,
    'metrics_elsewhere',
    'Metrics have a port of their own',
    'Metrics speak of every tenant, so a gateway with keys does not serve them here; set INFER_ONCE_METRICS_PORT and scrape that port.',
  );
}
