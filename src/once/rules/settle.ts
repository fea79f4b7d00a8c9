import type { ResultSource } from '../../job';
import type { Change, Decide, LateAnswer, StoredCall, StoredJob } from '../../store/store';
import type { Answered, BadAnswer, ProviderError } from '../outcome';
import { toDoubt } from './claim';
import { failWith, foldBilled, isOwner, moveTo, openCalls, patchCall, toPayload, withoutCall } from './row';

/** Which claim speaks. */
export interface Claimed {
  call_id: string;
  token: number;
  /** The digest of the input that was sent. */
  input_digest: string;
}

/** The record after a settling write, and whether this write is the one that counted. */
export interface Settled {
  /** Null only where the row was erased by purge. */
  row: StoredJob | null;
  /** `won`: this made the result; `kept`: beside the record; `dropped`: nothing to keep it for. */
  fate: 'won' | 'kept' | 'dropped';
}

const dropped = (row: StoredJob | null): Change<Settled> => ({ returns: { row, fate: 'dropped' } });

/**
 * Writes a valid answer: the first one wins, whatever its token (PROTOCOL 6). Answer, usage and
 * judgement are one write.
 *
 * @param found - `recovered` where a look-up found it; an answer of a claim's own is `inference`, or
 *   `late` where the claim had been superseded
 */
export function complete(claimed: Claimed, answer: Answered, found?: 'recovered'): Decide<Settled> {
  return (row, now) => {
    if (!row || row.status === 'FORGOTTEN' || row.input_digest !== claimed.input_digest) return dropped(row);
    if (row.status === 'COMPLETED' || row.status === 'FAILED' || row.status === 'CANCELED') {
      // a completed record keeps what recovery found beside it; a plain late answer has no further use
      return keepLate(row, claimed, answer, now, row.status !== 'COMPLETED' || found === 'recovered');
    }
    const source: ResultSource = found ?? (isOwner(row, claimed) ? 'inference' : 'late');
    const { payload, blobs } = toPayload(`result/${claimed.call_id}`, resultJson(answer));
    const job = moveTo(row, 'COMPLETED', now, {
      result: payload,
      source,
      error: null,
      completed_at: now,
      calls: patchCall(row, claimed.call_id, executed(answer)),
      ...facts(answer),
    });
    // the call may be off the list: its provider said "not executed", then answered after all
    return {
      returns: { row: { ...job, billed: 'yes' }, fate: 'won' },
      job: { ...job, billed: 'yes' },
      blobs,
    };
  };
}

function keepLate(
  row: StoredJob,
  claimed: Claimed,
  answer: Answered,
  now: number,
  keep: boolean,
): Change<Settled> {
  const listed = row.calls.find((call) => call.call_id === claimed.call_id);
  if (!listed || listed.fate === 'executed') return dropped(row);
  const { payload, blobs } = toPayload(`late/${claimed.call_id}`, resultJson(answer));
  const late: LateAnswer = { result: payload, at: now, ...facts(answer) };
  const calls = patchCall(row, claimed.call_id, { ...executed(answer), ...(keep && { late }) });
  const isThisGeneration = listed.generation === row.generation;
  const job: StoredJob = {
    ...row,
    calls,
    billed: isThisGeneration ? 'yes' : row.billed,
    updated_at: now,
  };
  return { returns: { row: job, fate: keep ? 'kept' : 'dropped' }, job, blobs: keep ? blobs : {} };
}

/**
 * Writes an answer that was paid for and can't be used. The owner's settles FAILED, `billed: yes`. Any
 * other is evidence, kept beside the record; it settles a doubt only where no other call is open, since
 * then nothing is in doubt any more, and a policy would pay again for what is known.
 */
export function failAnswered(claimed: Claimed, bad: BadAnswer): Decide<Settled> {
  return (row, now) => {
    if (!row || row.status === 'FORGOTTEN') return dropped(row);
    const { payload, blobs } = toPayload(`raw/${claimed.call_id}`, JSON.stringify(bad.raw));
    const calls = patchCall(row, claimed.call_id, { fate: 'executed', raw: payload, usage: bad.usage });
    const known = withCalls(row, calls, now);
    const isLastOpen = !openCalls(known).some((call) => call.generation === row.generation);
    const settles = isOwner(row, claimed) || (row.status === 'IN_DOUBT' && isLastOpen);
    if (!settles) return { returns: { row: known, fate: 'kept' }, job: known, blobs };
    const job = { ...failWith(known, bad.error.code, bad.error.message, now), ...facts(bad) };
    return { returns: { row: job, fate: 'won' }, job, blobs };
  };
}

/** The provider refused the request for good: FAILED `provider_rejected`, nothing was executed. */
export function reject(claimed: Claimed, message: string, said?: ProviderError): Decide<Settled> {
  return settleUnexecuted(claimed, (row, now) => failWith(row, 'provider_rejected', message, now, said));
}

/**
 * Gives the claim back: the call was certainly not executed.
 *
 * @param refused - why, and when the next try is wished for; where that would come after the job's
 *   deadline: FAILED `retries_exhausted` in place of PENDING. Absent for a call that was never sent
 */
export function release(
  claimed: Claimed,
  refused?: { reason: string; message: string; said?: ProviderError; delay_ms: number; deadline_ms: number },
): Decide<Settled> {
  return settleUnexecuted(claimed, (row, now) => {
    if (!refused) return moveTo(row, 'PENDING', now);
    const { reason, message, said, delay_ms, deadline_ms } = refused;
    const since = row.refusal?.since ?? now;
    const retry_at = now + delay_ms;
    if (retry_at >= since + deadline_ms) {
      return failWith(row, 'retries_exhausted', message, now, said);
    }
    return moveTo(row, 'PENDING', now, { refusal: { reason, message, since, retry_at } });
  });
}

function settleUnexecuted(
  claimed: Claimed,
  settle: (row: StoredJob, now: number) => StoredJob,
): Decide<Settled> {
  return (row, now) => {
    if (!row || !openCalls(row).some((call) => call.call_id === claimed.call_id)) return dropped(row);
    const known = withCalls(row, withoutCall(row, claimed.call_id), now);
    if (isOwner(row, claimed)) {
      const job = settle(known, now);
      return { returns: { row: job, fate: 'won' }, job };
    }
    // evidence, not a right: a doubt about calls that are all known not executed is no doubt any more
    if (row.status === 'IN_DOUBT' && openCalls(known).every((call) => call.generation !== row.generation)) {
      // but one that was answered badly was paid for, and is the job's answer
      const job =
        known.billed === 'yes'
          ? failWith(known, 'output_invalid', 'an answer that was paid for could not be used', now)
          : moveTo(known, 'PENDING', now);
      return { returns: { row: job, fate: 'won' }, job };
    }
    return { returns: { row: known, fate: 'kept' }, job: known };
  };
}

/** The outcome is unknown: the owner's claim becomes IN_DOUBT; a superseded one changes nothing. */
export function doubt(claimed: Claimed, reason: string): Decide<Settled> {
  return (row, now) => {
    if (!row || !isOwner(row, claimed)) return dropped(row);
    const job = toDoubt(row, reason, now);
    return { returns: { row: job, fate: 'won' }, job };
  };
}

/** The row with what is known of its calls by now, and so of what was billed; neither status nor token moves. */
function withCalls(row: StoredJob, calls: StoredCall[], now: number): StoredJob {
  const known = { ...row, calls, updated_at: now };
  return { ...known, billed: row.billed === 'yes' ? 'yes' : foldBilled(known) };
}

/** What is known of a call once it has a valid answer. */
function executed({ usage, operation }: Answered): Partial<StoredCall> {
  return { fate: 'executed', usage, ...(operation && { operation }) };
}

function facts(answer: Answered | BadAnswer) {
  const { usage, cost_usd, model, request_id } = answer;
  return { usage, cost_usd, model, request_id };
}

/** `undefined` is no JSON; a task that returns it means null. */
function resultJson(answer: Answered): string {
  return JSON.stringify(answer.result) ?? 'null';
}
