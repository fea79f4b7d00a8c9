import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { JobNotFoundError } from '../../errors';
import { isSettled } from '../../job';
import type { GatewayOptions } from '../deps';
import { enterWait } from '../http/waiting';
import { answers, recordAnswers } from '../openapi/answers';
import { PageSchema, RecordSchema, StatsSchema } from '../openapi/record';
import { isAnswerAfter, sendRecord } from './answer';
import { JobParams, ListQuery, PreferHeader, ReadQuery } from './schemas';
import { secondsToWait, waitForRecord } from './wait';

/** `GET /v1/jobs/{job_id}`, `GET /v1/jobs` and `GET /v1/stats`. */
export const readRoutes: FastifyPluginAsyncZod<GatewayOptions> = async (app, { deps }) => {
  app.get(
    '/v1/jobs/:job_id',
    {
      schema: {
        tags: ['jobs'],
        summary: "A job's record, now or once it is settled",
        params: JobParams,
        querystring: ReadQuery,
        headers: PreferHeader,
        response: recordAnswers(RecordSchema, 404, 410),
      },
    },
    async (request, reply) => {
      const { job_id } = request.params;
      const { after } = request.query;
      const jobs = deps.jobs(request.tenant);
      const seconds = secondsToWait(request, reply);
      let record = await jobs.get(job_id);
      if (!record) throw new JobNotFoundError(job_id);
      // what is an answer already needs no place among those who wait
      if (seconds > 0 && !(isSettled(record.status) && record.token !== after)) {
        record = await waitForRecord(jobs, job_id, enterWait(reply, seconds * 1000), (signal) =>
          jobs.wait(job_id, { signal, after }),
        );
      }
      if (!record) throw new JobNotFoundError(job_id);
      return sendRecord(reply, record, await isAnswerAfter(jobs, record, after));
    },
  );

  app.get(
    '/v1/jobs',
    {
      schema: {
        tags: ['jobs'],
        summary: 'Records, newest change first',
        querystring: ListQuery,
        response: answers({ 200: ['A page of records.', PageSchema] }),
      },
    },
    async (request, reply) => {
      const { records, cursor = null, corrupt = [] } = await deps.jobs(request.tenant).list(request.query);
      // a row's key has the tenant in it, which is the asker's own
      const named = corrupt.map(({ key, message }) => ({ job_id: key.slice(key.indexOf('/') + 1), message }));
      return reply.header('cache-control', 'no-store').send({ records, cursor, corrupt: named });
    },
  );

  app.get(
    '/v1/stats',
    {
      schema: {
        tags: ['jobs'],
        summary: 'Jobs, tokens and cost by task and day',
        response: answers({ 200: ['A row for each task, day (of creation, UTC) and status.', StatsSchema] }),
      },
    },
    async (request, reply) => {
      const rows = await deps.jobs(request.tenant).stats();
      return reply.header('cache-control', 'no-store').send({ rows });
    },
  );
};
