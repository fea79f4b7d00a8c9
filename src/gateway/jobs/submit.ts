import type { FastifyReply, FastifyRequest } from 'fastify';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import type { z } from 'zod';
import type { GatewayDeps, GatewayOptions } from '../deps';
import { jobIdOfHeader } from '../http/idempotency-key';
import { endOfWait } from '../http/leave';
import { sendRecord } from './answer';
import { JobParams, Submission, WaitQuery } from './schemas';
import { secondsToWait, untilDurable, waitForRecord } from './wait';

/** `PUT /v1/jobs/{job_id}`, and `POST /v1/jobs` with `Idempotency-Key` for clients that only POST. */
export const submitRoutes: FastifyPluginAsyncZod<GatewayOptions> = async (app, { deps }) => {
  app.put(
    '/v1/jobs/:job_id',
    { schema: { params: JobParams, querystring: WaitQuery, body: Submission } },
    (request, reply) => submit(deps, request, reply, request.params.job_id, request.body),
  );
  app.post('/v1/jobs', { schema: { querystring: WaitQuery, body: Submission } }, (request, reply) =>
    submit(deps, request, reply, jobIdOfHeader(request.headers['idempotency-key']), request.body),
  );
};

async function submit(
  deps: GatewayDeps,
  request: FastifyRequest,
  reply: FastifyReply,
  job_id: string,
  { task, input }: z.infer<typeof Submission>,
): Promise<FastifyReply> {
  const jobs = deps.jobs(request.tenant);
  const job = { job_id, task: deps.tasks.get(task).name, input };
  const seconds = secondsToWait(request, reply);
  const submitted = await untilDurable(reply, jobs.submit(job));
  // a failure that this submission opens again is no answer to it
  if (submitted.replayed || seconds === 0) return sendRecord(reply, submitted, submitted.replayed);
  const record = await waitForRecord(jobs, job_id, endOfWait(reply, seconds * 1000), (signal) =>
    jobs.answerTo(job, submitted, { signal }),
  );
  const { created, replayed } = submitted;
  return sendRecord(reply, { ...(record ?? submitted), created, replayed });
}
