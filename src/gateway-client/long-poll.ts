import { setTimeout as delay } from 'node:timers/promises';
import { JobForgottenError } from '../errors';
import type { JobRecord } from '../job';
import { type Patience, patiently } from './patience';
import { refusalOf } from './refusal';
import type { Wire } from './wire';

/** Proxies give up a silent connection after 30 to 60 s, as a rule. */
const POLL_S = 20;
/** Where a gateway answers before its time without saying when to come back. */
const PAUSE_MS = 1_000;

/** What is waited for. */
export interface Awaited {
  jobId: string;
  /** The token of a settled record that is no answer: its job was opened again. */
  after: number | undefined;
}

/**
 * Asks a gateway, in requests that wait there, until the job is settled, or in doubt and no longer recovering.
 *
 * @throws JobNotFoundError; what {@link patiently} throws
 */
export async function untilAnswered(
  wire: Wire,
  { jobId, after }: Awaited,
  patience: Patience,
): Promise<JobRecord> {
  const { signal } = patience;
  const query = `wait=${POLL_S}${after === undefined ? '' : `&after=${after}`}`;
  const path = `/v1/jobs/${encodeURIComponent(jobId)}?${query}`;
  const poll = () => wire.send({ method: 'GET', path, signal, waitMs: POLL_S * 1000 });
  for (;;) {
    const began = performance.now();
    const answer = await patiently(wire, poll, patience);
    const { status, retryAfterMs } = answer;
    if (status !== 200 && status !== 202) return tombstone(refusalOf(wire, answer, jobId));
    const record = answer.body as JobRecord;
    if (status === 200 || needsDecision(record)) return record;
    // one that stops answers those who wait at once
    if (performance.now() - began >= POLL_S * 1000) continue;
    await delay(retryAfterMs ?? PAUSE_MS, undefined, { signal }).catch(() => undefined);
    signal?.throwIfAborted();
  }
}

function needsDecision({ status, doubt }: JobRecord): boolean {
  return status === 'IN_DOUBT' && doubt?.recovering === false;
}

/** A forgotten job is an end as any other; other refusals are thrown. */
function tombstone(refusal: Error): JobRecord {
  if (refusal instanceof JobForgottenError && refusal.record) return refusal.record;
  throw refusal;
}
