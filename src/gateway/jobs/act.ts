import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { isSettled } from '../../job';
import type { GatewayOptions } from '../deps';
import { enterWait } from '../http/waiting';
import { answers, recordAnswers } from '../openapi/answers';
import { RecordSchema } from '../openapi/record';
import { isAnswerAfter, sendRecord } from './answer';
import { Decision, JobParams, PreferHeader, WaitQuery } from './schemas';
import { secondsToWait, untilDurable, waitForRecord } from './wait';

const act = (summary: string) => ({
  tags: ['jobs'],
  summary,
  params: JobParams,
  response: recordAnswers(RecordSchema, 404, 409, 410),
});

/** For acts that a repetition might do twice, or that may have been done. */
const LOOK_FIRST = 'look at the job before you send the request again';

/** How long a cancel waits for its worker to write it, unless it is told. */
const CANCEL_WAIT_S = 10;

/** Who decides: with keys the tenant stands before the name, which is the caller's own word. */
function signature(tenant: string | null, by: string | undefined): string {
  if (tenant === null) return by ?? 'gateway';
  return by === undefined ? tenant : `${tenant}:${by}`;
}

/** `POST /v1/jobs/{job_id}/retry`, `/cancel` and `/resolve`, and `DELETE /v1/jobs/{job_id}`, which is forget. */
export const actRoutes: FastifyPluginAsyncZod<GatewayOptions> = async (app, { deps }) => {
  app.post(
    '/v1/jobs/:job_id/retry',
    {
      schema: {
        ...act('Run a failed or canceled job again, even where that may pay again'),
        querystring: WaitQuery,
        headers: PreferHeader,
      },
    },
    async (request, reply) => {
      const { job_id } = request.params;
      const jobs = deps.jobs(request.tenant);
      const seconds = secondsToWait(request, reply);
      const begun = await untilDurable(reply, jobs.retry(job_id), { remedy: LOOK_FIRST });
      if (begun.status === 'COMPLETED') return sendRecord(reply, begun);
      // what else is settled is the old failure
      const after = isSettled(begun.status) ? begun.token : undefined;
      if (seconds === 0) return sendRecord(reply, begun, false);
      const record = await waitForRecord(jobs, job_id, enterWait(reply, seconds * 1000), (signal) =>
        jobs.wait(job_id, { signal, after }),
      );
      return sendRecord(reply, record!, await isAnswerAfter(jobs, record!, after));
    },
  );

  app.post(
    '/v1/jobs/:job_id/cancel',
    {
      schema: {
        ...act('Cancel a job; waits for its worker to write it, 10 s at most or as told'),
        querystring: WaitQuery,
      },
    },
    async (request, reply) => {
      const timeoutMs = (request.query.wait ?? CANCEL_WAIT_S) * 1000;
      const signal = enterWait(reply);
      const canceling = deps.jobs(request.tenant).cancel(request.params.job_id, { timeoutMs, signal });
      const withinMs = timeoutMs + CANCEL_WAIT_S * 1000;
      return sendRecord(reply, await untilDurable(reply, canceling, { withinMs }));
    },
  );

  app.post(
    '/v1/jobs/:job_id/resolve',
    {
      schema: {
        ...act('Settle a doubt'),
        body: Decision,
        response: recordAnswers(RecordSchema, 404, 409, 410, 413, 415),
      },
    },
    async (request, reply) => {
      const by = signature(request.tenant, request.body.by);
      const resolving = deps.jobs(request.tenant).resolve(request.params.job_id, { ...request.body, by });
      return sendRecord(reply, await untilDurable(reply, resolving));
    },
  );

  app.delete(
    '/v1/jobs/:job_id',
    {
      schema: {
        ...act('Forget a settled job: everything but its id is erased'),
        response: answers({ 200: ['What stays: a tombstone.', RecordSchema] }, 404, 409),
      },
    },
    async (request, reply) => {
      // an open run is told of before the gateway's own patience ends: then nothing was erased
      const forgetting = deps.jobs(request.tenant).forget(request.params.job_id, { timeoutMs: 5_000 });
      const record = await untilDurable(reply, forgetting, { remedy: LOOK_FIRST });
      return reply.header('cache-control', 'no-store').send(record);
    },
  );
};
