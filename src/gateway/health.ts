import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { UnreachableError } from '../errors';
import type { GatewayDeps, GatewayOptions } from './deps';

const Alive = z.object({ status: z.literal('ok') });
const Parts = z.object({
  status: z.enum(['ok', 'unavailable']),
  away: z.array(z.enum(['temporal', 'store'])),
});

const json = (description: string, schema: z.ZodType) => ({
  description,
  content: { 'application/json': { schema } },
});

/** `/healthz`: the process is alive; `/readyz`: Temporal and the store answer. */
export const healthRoutes: FastifyPluginAsyncZod<GatewayOptions> = async (app, { deps }) => {
  const shared = { tags: ['health'], security: [] };
  app.get(
    '/healthz',
    {
      config: { isPublic: true },
      schema: { ...shared, summary: 'The process is alive', response: { 200: json('It is.', Alive) } },
    },
    async () => ({ status: 'ok' }),
  );
  app.get(
    '/readyz',
    {
      config: { isPublic: true },
      schema: {
        ...shared,
        summary: 'Temporal and the store answer',
        response: { 200: json('They do.', Parts), 503: json('What is away.', Parts) },
      },
    },
    async (_, reply) => {
      const away = await partsAway(deps);
      if (away.length === 0) return { status: 'ok', away };
      return reply.code(503).header('retry-after', '5').send({ status: 'unavailable', away });
    },
  );
};

/** Which parts do not answer now: `temporal`, `store`. */
async function partsAway({ store, reachTemporal }: GatewayDeps): Promise<string[]> {
  // no job has this key: it breaks the grammar of ids
  const parts = ['temporal', 'store'];
  const checks = await Promise.allSettled([reachTemporal(), store.read('/readyz')]);
  return parts.filter((_, at) => {
    const check = checks[at]!;
    if (check.status === 'fulfilled') return false;
    if (check.reason instanceof UnreachableError) return true;
    throw check.reason;
  });
}
