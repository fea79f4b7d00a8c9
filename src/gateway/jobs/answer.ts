import { setTimeout as delay } from 'node:timers/promises';
import type { FastifyReply } from 'fastify';
import type { JobClient } from '../../client';
import { JobForgottenError } from '../../errors';
import { isSettled, type JobRecord, type SubmitAnswer } from '../../job';

/** A decision by people takes longer than a call. */
const RETRY_IN_DOUBT_S = 60;
const MAX_RETRY_S = 60;
const KNOWN_WITHIN_MS = 2_000;

/**
 * Answers with a record: 200 where it is settled, FAILED included, else 202 with where and when to look again.
 *
 * @param isAnswer - false where the record is still the one from before its job was opened again: `Location`
 *   names it then, so that whoever looks there does not take it for the end
 * @throws JobForgottenError for a tombstone
 */
export function sendRecord(
  reply: FastifyReply,
  record: JobRecord | SubmitAnswer,
  isAnswer = isSettled(record.status),
): FastifyReply {
  if (record.status === 'FORGOTTEN') throw new JobForgottenError(record.job_id, record);
  reply.header('cache-control', 'no-store');
  if ('replayed' in record && record.replayed) reply.header('idempotent-replayed', 'true');
  if (isAnswer) return reply.code(200).send(record);
  return reply
    .code(202)
    .header(
      'location',
      `/v1/jobs/${record.job_id}${isSettled(record.status) ? `?after=${record.token}` : ''}`,
    )
    .header('retry-after', String(retryAfter(record)))
    .send(record);
}

/**
 * Whether a record is an answer to who opened its job again when it was settled at the token `after`: it has
 * moved on since, or no run is open that would move it. Asks Temporal only where it has not moved.
 */
export async function isAnswerAfter(
  jobs: JobClient,
  { job_id, status, token }: JobRecord,
  after: number | undefined,
): Promise<boolean> {
  return isSettled(status) && (token !== after || !(await mayBeRunning(jobs, job_id)));
}

/** While Temporal can't tell, a job that was opened again is not called ended. */
async function mayBeRunning(jobs: JobClient, jobId: string): Promise<boolean> {
  const enough = new AbortController();
  const unknown = delay(KNOWN_WITHIN_MS, true, { signal: enough.signal }).catch(() => true);
  try {
    return await Promise.race([jobs.isRunning(jobId), unknown]);
  } finally {
    enough.abort();
  }
}

/** In how many seconds it is worth to look again. */
function retryAfter({ doubt, refusal }: JobRecord): number {
  if (doubt && !doubt.recovering) return RETRY_IN_DOUBT_S;
  if (!refusal) return 1;
  const seconds = Math.ceil((Date.parse(refusal.retry_at) - Date.now()) / 1000);
  return Math.min(Math.max(seconds, 1), MAX_RETRY_S);
}
