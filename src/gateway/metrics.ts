import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import type { GatewayOptions } from './deps';
import { HttpError } from './http/http-error';

/**
 * `/metrics`: what this gateway counted. It names every tenant's tasks and tells how much they use, so that no
 * tenant may read it: a gateway with keys serves it on a port of its own only (`INFER_ONCE_METRICS_PORT`), and
 * one without keys is on loopback.
 */
export const metricsRoutes: FastifyPluginAsyncZod<GatewayOptions> = async (app, { deps }) => {
  const { config, metrics } = deps;
  app.get('/metrics', async (_, reply) => {
    if (config.gateway.keysFile !== undefined) throw elsewhere();
    return reply
      .header('cache-control', 'no-store')
      .type(metrics.contentType)
      .send(await metrics.metrics());
  });
};

function elsewhere(): HttpError {
  return new HttpError(
    403,
    'metrics_elsewhere',
    'Metrics have a port of their own',
    'Metrics speak of every tenant, so a gateway with keys does not serve them here; set INFER_ONCE_METRICS_PORT and scrape that port.',
  );
}
