import type { FastifyReply, FastifyRequest } from 'fastify';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { isSettled } from '../../job';
import type { GatewayDeps, GatewayOptions } from '../deps';
import { jobIdOfHeader } from '../http/idempotency-key';
import { enterWait } from '../http/waiting';
import { recordAnswers } from '../openapi/answers';
import { SubmitAnswerSchema } from '../openapi/record';
import { isAnswerAfter, sendRecord } from './answer';
import { JobParams, KeyHeader, PreferHeader, type Submission, submissionOf, WaitQuery } from './schemas';
import { secondsToWait, untilDurable, waitForRecord } from './wait';

/** `PUT /v1/jobs/{job_id}`, and `POST /v1/jobs` with `Idempotency-Key` for clients that only POST. */
export const submitRoutes: FastifyPluginAsyncZod<GatewayOptions> = async (app, { deps }) => {
  const body = submissionOf(deps.tasks.names());
  const shared = {
    tags: ['jobs'],
    querystring: WaitQuery,
    body,
    response: recordAnswers(SubmitAnswerSchema, 409, 410, 413, 415, 422),
  };
  app.put(
    '/v1/jobs/:job_id',
    {
      schema: { ...shared, summary: 'Submit a job, or join it', params: JobParams, headers: PreferHeader },
    },
    (request, reply) => submit(deps, request, reply, request.params.job_id, request.body),
  );
  app.post(
    '/v1/jobs',
    { schema: { ...shared, summary: 'The same, for clients that only POST', headers: KeyHeader } },
    (request, reply) =>
      submit(deps, request, reply, jobIdOfHeader(request.headers['idempotency-key']), request.body),
  );
};

async function submit(
  deps: GatewayDeps,
  request: FastifyRequest,
  reply: FastifyReply,
  job_id: string,
  { task, input }: Submission,
): Promise<FastifyReply> {
  const jobs = deps.jobs(request.tenant);
  const job = { job_id, task: deps.tasks.get(task).name, input };
  const seconds = secondsToWait(request, reply);
  const { submitted, answer: answerTo } = await untilDurable(reply, jobs.begin(job));
  // a failure that this submission opens again is no answer to it
  if (submitted.replayed || seconds === 0) return sendRecord(reply, submitted, submitted.replayed);
  const record = await waitForRecord(jobs, job_id, enterWait(reply, seconds * 1000), (signal) =>
    answerTo({ signal }),
  );
  const { created, replayed } = submitted;
  const answer = { ...(record ?? submitted), created, replayed };
  const after = isSettled(submitted.status) ? submitted.token : undefined;
  return sendRecord(reply, answer, await isAnswerAfter(jobs, answer, after));
}
