import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import type { GatewayOptions } from '../deps';
import { endOfWait } from '../http/leave';
import { sendRecord } from './answer';
import { Decision, JobParams, WaitQuery } from './schemas';
import { secondsToWait, untilDurable, waitForRecord } from './wait';

/** `POST /v1/jobs/{job_id}/retry`, `/cancel` and `/resolve`, and `DELETE /v1/jobs/{job_id}`, which is forget. */
export const actRoutes: FastifyPluginAsyncZod<GatewayOptions> = async (app, { deps }) => {
  app.post(
    '/v1/jobs/:job_id/retry',
    { schema: { params: JobParams, querystring: WaitQuery } },
    async (request, reply) => {
      const { job_id } = request.params;
      const jobs = deps.jobs(request.tenant);
      const seconds = secondsToWait(request, reply);
      if (seconds === 0) {
        const record = await untilDurable(reply, jobs.retry(job_id));
        // what else is settled is the old failure
        return sendRecord(reply, record, record.status === 'COMPLETED');
      }
      const record = await waitForRecord(jobs, job_id, endOfWait(reply, seconds * 1000), (signal) =>
        jobs.retry(job_id, { signal }),
      );
      return sendRecord(reply, record!);
    },
  );

  app.post('/v1/jobs/:job_id/cancel', { schema: { params: JobParams } }, async (request, reply) =>
    sendRecord(reply, await deps.jobs(request.tenant).cancel(request.params.job_id)),
  );

  app.post(
    '/v1/jobs/:job_id/resolve',
    { schema: { params: JobParams, body: Decision } },
    async (request, reply) => {
      const by = request.body.by ?? request.tenant ?? 'gateway';
      const resolving = deps.jobs(request.tenant).resolve(request.params.job_id, { ...request.body, by });
      return sendRecord(reply, await untilDurable(reply, resolving));
    },
  );

  app.delete('/v1/jobs/:job_id', { schema: { params: JobParams } }, async (request, reply) => {
    const forgetting = deps.jobs(request.tenant).forget(request.params.job_id);
    const record = await untilDurable(reply, forgetting);
    return reply.header('cache-control', 'no-store').send(record);
  });
};
