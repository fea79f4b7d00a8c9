import type { FastifyReply, FastifyRequest } from 'fastify';
import type { JobClient } from '../../client';
import { JobCanceledError, JobFailedError, JobInDoubtError, UnreachableError } from '../../errors';
import type { JobRecord } from '../../job';
import { onEndOfWait, stopping } from '../http/leave';
import { preferredWait } from '../http/prefer';

/** How many seconds a request waits: its query's word goes before its preference. */
export function secondsToWait(request: FastifyRequest, reply: FastifyReply): number {
  const { wait } = request.query as { wait?: number };
  if (wait !== undefined) return wait;
  const preferred = preferredWait(request.headers.prefer);
  if (preferred === null) return 0;
  reply.header('preference-applied', `wait=${preferred}`).header('vary', 'Prefer');
  return preferred;
}

/**
 * Waits for a job's end as its record tells it, whatever that is. Leaves with the record as it is when the
 * time is over, the client has gone or the gateway stops; the job goes on.
 *
 * @param act - waits; gives up when the signal aborts
 * @returns null where nothing is known of the job
 */
export async function waitForRecord(
  jobs: JobClient,
  jobId: string,
  signal: AbortSignal,
  act: (signal: AbortSignal) => Promise<JobRecord>,
): Promise<JobRecord | null> {
  try {
    return await act(signal);
  } catch (error) {
    if (
      error instanceof JobFailedError ||
      error instanceof JobCanceledError ||
      error instanceof JobInDoubtError
    ) {
      return error.record!;
    }
    if (!signal.aborted || error !== signal.reason) throw error;
    return jobs.get(jobId);
  }
}

/** Temporal's client alone would go on trying for most of a minute. */
const DURABLE_WITHIN_MS = 10_000;

const COUNTS_ONCE = 'send the request again, it counts once';

/**
 * Waits until what a request began is durable; what takes longer goes on.
 *
 * @param remedy - what to do where it takes longer; default: to send it again
 * @param withinMs - default 10 s
 * @throws UnreachableError after that; HttpError where the gateway stops or the client has gone
 */
export function untilDurable<T>(
  reply: FastifyReply,
  act: Promise<T>,
  { remedy = COUNTS_ONCE, withinMs = DURABLE_WITHIN_MS } = {},
): Promise<T> {
  return new Promise((done, failed) => {
    const stop = onEndOfWait(reply, withinMs, (why) => {
      const message = `Temporal or the store does not answer in time; ${remedy}.`;
      failed(why === 'late' ? new UnreachableError('temporal', message) : stopping());
    });
    // one that outlasts its request has nobody to tell
    act.then(
      (value) => {
        stop();
        done(value);
      },
      (error: unknown) => {
        stop();
        failed(error);
      },
    );
  });
}
