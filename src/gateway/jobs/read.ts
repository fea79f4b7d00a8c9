import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { JobNotFoundError } from '../../errors';
import type { GatewayOptions } from '../deps';
import { endOfWait } from '../http/leave';
import { sendRecord } from './answer';
import { JobParams, ListQuery, WaitQuery } from './schemas';
import { secondsToWait, waitForRecord } from './wait';

/** `GET /v1/jobs/{job_id}`, `GET /v1/jobs` and `GET /v1/stats`. */
export const readRoutes: FastifyPluginAsyncZod<GatewayOptions> = async (app, { deps }) => {
  app.get(
    '/v1/jobs/:job_id',
    { schema: { params: JobParams, querystring: WaitQuery } },
    async (request, reply) => {
      const { job_id } = request.params;
      const jobs = deps.jobs(request.tenant);
      const seconds = secondsToWait(request, reply);
      let record = await jobs.get(job_id);
      if (!record) throw new JobNotFoundError(job_id);
      if (seconds > 0) {
        record = await waitForRecord(jobs, job_id, endOfWait(reply, seconds * 1000), (signal) =>
          jobs.wait(job_id, { signal }),
        );
      }
      if (!record) throw new JobNotFoundError(job_id);
      return sendRecord(reply, record);
    },
  );

  app.get('/v1/jobs', { schema: { querystring: ListQuery } }, async (request, reply) => {
    const { records, cursor = null, corrupt = [] } = await deps.jobs(request.tenant).list(request.query);
    return reply.header('cache-control', 'no-store').send({ records, cursor, corrupt });
  });

  app.get('/v1/stats', async (request, reply) => {
    const rows = await deps.store.stats({ tenant: request.tenant });
    return reply.header('cache-control', 'no-store').send({ rows });
  });
};
