import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import type { GatewayOptions } from '../deps';
import { actRoutes } from './act';
import { readRoutes } from './read';
import { submitRoutes } from './submit';

/** The routes under `/v1/jobs`, and `/v1/stats`. */
export const jobRoutes: FastifyPluginAsyncZod<GatewayOptions> = async (app, options) => {
  await app.register(submitRoutes, options);
  await app.register(readRoutes, options);
  await app.register(actRoutes, options);
};
