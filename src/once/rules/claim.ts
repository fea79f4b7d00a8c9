import type { ReopenPermit } from '../../job';
import type { Decide, StoredCall, StoredJob } from '../../store/store';
import { type RunningCall, resumable } from './operation';
import { failWith, inputPayload, isOwner, type JobSeed, moveTo, newRow } from './row';
import { isReplaceable } from './submit';

/** What a claim would meet, before anything is written. */
export type Inspection =
  /** None, PENDING, or settled with a permit that is still good. */
  | { kind: 'claimable' }
  | { kind: 'settled'; row: StoredJob }
  | { kind: 'mismatch'; row: StoredJob }
  /** A live owner; `for_ms` until its lease ends. */
  | { kind: 'busy'; row: StoredJob; for_ms: number }
  /** The provider runs the call by itself, under an id that is on record: it is asked; `age_ms` since it was claimed. */
  | { kind: 'resume'; row: StoredJob; call: RunningCall; age_ms: number }
  /** The lease ran out without an answer. */
  | { kind: 'expired'; row: StoredJob }
  | { kind: 'in_doubt'; row: StoredJob };

/** What `claim` tells (PROTOCOL 3). */
export type ClaimResult =
  | { kind: 'claimed'; row: StoredJob; token: number; call_id: string }
  | Exclude<Inspection, { kind: 'claimable' }>;

export interface ClaimRequest {
  seed: JobSeed;
  permit: ReopenPermit | undefined;
  call_id: string;
  lease_ms: number;
}

/** Looks at the row as a claim by `digest` and `permit` would. Pure, and the base of {@link claim}. */
export function inspect(
  row: StoredJob | null,
  digest: string,
  permit: ReopenPermit | undefined,
  now: number,
): Inspection {
  if (!row) return { kind: 'claimable' };
  if (row.status === 'FORGOTTEN') return { kind: 'settled', row };
  const opens = isOpenedBy(row, permit);
  if (row.input_digest !== digest) {
    return opens && isReplaceable(row) ? { kind: 'claimable' } : { kind: 'mismatch', row };
  }
  switch (row.status) {
    case 'PENDING':
      return { kind: 'claimable' };
    case 'COMPLETED':
      return { kind: 'settled', row };
    case 'FAILED':
    case 'CANCELED':
      return opens ? { kind: 'claimable' } : { kind: 'settled', row };
    case 'IN_DOUBT':
      return { kind: 'in_doubt', row };
    case 'IN_PROGRESS': {
      const call = resumable(row);
      if (call) return { kind: 'resume', row, call, age_ms: now - call.claimed_at };
      const left = (row.lease_until ?? 0) - now;
      return left > 0 ? { kind: 'busy', row, for_ms: left } : { kind: 'expired', row };
    }
  }
}

/**
 * A permit opens a settled record only at the token that it names, so that an operator's Reset of that
 * run finds it used up; and only `retry`'s opens one that may have been billed.
 */
function isOpenedBy(row: StoredJob, permit: ReopenPermit | undefined): boolean {
  if (row.status !== 'FAILED' && row.status !== 'CANCELED') return false;
  if (permit?.token !== row.token) return false;
  return row.billed === 'no' || permit.paid === true;
}

/**
 * The durable "about to send" record: one atomic step gives at most one worker the right to call. Asked again by
 * the same call it tells the same: the reply to its write may have been lost.
 */
export function claim(request: ClaimRequest): Decide<ClaimResult> {
  return (row, now) => {
    const { call_id } = request;
    if (row?.status === 'IN_PROGRESS' && row.calls.at(-1)?.call_id === call_id) {
      return { returns: { kind: 'claimed', row, token: row.token, call_id } };
    }
    const seen = inspect(row, request.seed.input_digest, request.permit, now);
    if (seen.kind !== 'claimable') return { returns: seen };
    const { base, blobs } = openRow(row, request.seed, now);
    const token = base.token + 1;
    const call = {
      call_id,
      generation: base.generation,
      token,
      claimed_at: now,
      fate: 'open' as const,
    };
    const job = moveTo(base, 'IN_PROGRESS', now, {
      calls: [...base.calls, call],
      attempts: base.attempts + 1,
      task_version: request.seed.task_version,
      lease_until: now + request.lease_ms,
      sent_at: now,
    });
    return { returns: { kind: 'claimed', row: job, token, call_id }, job, blobs };
  };
}

/**
 * A lease that ran out without an answer is a doubt, never a right to call again: the store checks the
 * fencing token, the provider does not.
 */
export function expire(): Decide<StoredJob | null> {
  return (row, now) => {
    if (row?.status !== 'IN_PROGRESS' || (row.lease_until ?? 0) > now) return { returns: row };
    // its id came between the look and this write
    if (resumable(row)) return { returns: row };
    const job = toDoubt(row, 'the worker that was calling stopped renewing its lease', now);
    return { returns: job, job };
  };
}

/** The row that a claim starts from: a new one, the PENDING one, or a settled one opened again. */
function openRow(
  row: StoredJob | null,
  seed: JobSeed,
  now: number,
): { base: StoredJob; blobs: Record<string, string> } {
  if (!row) {
    const made = newRow(seed, now);
    return { base: made.row, blobs: made.blobs };
  }
  if (row.status === 'PENDING') return { base: row, blobs: {} };
  const replaced = row.input_digest !== seed.input_digest ? inputPayload(seed) : null;
  const base: StoredJob = {
    ...row,
    ...(replaced && { task: seed.task, input_digest: seed.input_digest, input: replaced.payload }),
    generation: row.generation + 1,
    error: null,
    completed_at: null,
    usage: null,
    cost_usd: null,
    model: null,
    request_id: null,
  };
  return { base, blobs: replaced?.blobs ?? {} };
}

/**
 * The input is refused before a claim: FAILED `invalid_input`, where the row is still one that could
 * have been claimed. The generation stays, so that what was billed before stays billed.
 */
export function refuseInput(
  seed: JobSeed,
  permit: ReopenPermit | undefined,
  message: string,
): Decide<{ refused: true; row: StoredJob } | { refused: false; row: StoredJob | null }> {
  return (row, now) => {
    if (inspect(row, seed.input_digest, permit, now).kind !== 'claimable') {
      return { returns: { refused: false, row } };
    }
    const { row: fresh, blobs } = newRow(seed, row?.created_at ?? now);
    const { task, input_digest, input } = fresh;
    const base = row ? { ...row, task, input_digest, input: input ?? row.input } : fresh;
    const job = failWith(base, 'invalid_input', message, now);
    return { returns: { refused: true, row: job }, job, blobs };
  };
}

/** Gives the owner more time; the token stays. Resolves to false where the right to call is lost. */
export function renew(claimed: Pick<StoredCall, 'token' | 'call_id'>, leaseMs: number): Decide<boolean> {
  return (row, now) => {
    if (!row || !isOwner(row, claimed)) return { returns: false };
    // a renewal that was under way while the operation's id was saved: there is no lease any more
    if (resumable(row)) return { returns: true };
    return { returns: true, job: { ...row, lease_until: now + leaseMs, updated_at: now } };
  };
}

/** The row IN_DOUBT. The doubt is named by the token that it got. */
export function toDoubt(row: StoredJob, reason: string, now: number): StoredJob {
  const doubt = { token: row.token + 1, since: now, reason, recovering: true };
  return moveTo(row, 'IN_DOUBT', now, { doubt });
}
