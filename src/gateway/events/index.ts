import { Readable } from 'node:stream';
import type { FastifyReply } from 'fastify';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { JobForgottenError } from '../../errors';
import { isSettled, type JobRecord } from '../../job';
import type { GatewayOptions } from '../deps';
import { endOfWait } from '../http/leave';
import { takePlace } from '../http/waiting';
import { JobParams } from '../jobs/schemas';
import { EVENT_ANSWERS } from '../openapi/answers';
import { refusalOf } from '../problem';
import { isOver } from './job-events';
import { streamText } from './stream';

/** Proxies give up a silent connection after 30 to 60 s, as a rule. */
const KEEP_ALIVE_MS = 15_000;

/**
 * `GET /v1/jobs/{job_id}/events`: the life of a job as server-sent events (WHATWG HTML, 9.2). First the record
 * as it is, unless `Last-Event-ID` says that the client has it; then each change; at last `end`. A client that
 * comes back after that gets 204, which ends an EventSource.
 *
 * @param options.keepAliveMs - how long a stream is silent at most; default 15 s
 */
export const eventRoutes: FastifyPluginAsyncZod<GatewayOptions & { keepAliveMs?: number }> = async (
  app,
  { deps, keepAliveMs = KEEP_ALIVE_MS },
) => {
  app.get(
    '/v1/jobs/:job_id/events',
    {
      exposeHeadRoute: false,
      schema: {
        tags: ['jobs'],
        summary: 'The life of a job, as server-sent events',
        params: JobParams,
        response: EVENT_ANSWERS,
      },
    },
    async (request, reply) => {
      const signal = endOfWait(reply);
      const changes = deps.jobs(request.tenant).watch(request.params.job_id, { signal });
      // however the answer ends, also where nothing of its stream was ever read
      signal.addEventListener('abort', () => void changes.return(), { once: true });
      const first = await nextRecord(changes, signal);
      if (!first) return stopped(reply);
      // what is not a stream is told as an answer: an EventSource stops at it
      if (first.status === 'FORGOTTEN') throw new JobForgottenError(first.job_id, first);
      const lastEventId = request.headers['last-event-id'] as string | undefined;
      reply.header('cache-control', 'no-store');
      if (isOver(first, lastEventId)) return reply.code(204).send();
      const onFault = (error: unknown) =>
        deps.log.error({ code: refusalOf(error).problem.code }, 'event stream ended');
      // one that is settled is told at once
      if (!isSettled(first.status)) takePlace(reply);
      const text = streamText({ first, changes, lastEventId, signal, keepAliveMs, onFault });
      return (
        reply
          .header('content-type', 'text/event-stream; charset=utf-8')
          .header('x-accel-buffering', 'no')
          // it would be kept for a next request, and hold up a gateway that stops
          .header('connection', 'close')
          .send(Readable.from(text, { objectMode: false }))
      );
    },
  );
};

/** Null where the client has gone or the gateway stops before there is one. */
async function nextRecord(
  changes: AsyncGenerator<JobRecord, void>,
  signal: AbortSignal,
): Promise<JobRecord | null> {
  try {
    const { value } = await changes.next();
    return value ?? null;
  } catch (error) {
    if (signal.aborted && error === signal.reason) return null;
    throw error;
  }
}

function stopped(reply: FastifyReply): FastifyReply {
  return reply.code(503).header('retry-after', '1').send();
}
