import { textDigest } from '../../digest';
import { isSettled } from '../../job';
import type { Decide, Payload, StoredJob } from '../../store/store';
import { failWith, isOwner, type JobSeed, moveTo, newRow, toPayload, withoutCall } from './row';

/** What an operator decides about a doubt (PROTOCOL 5.4). `doubt` is the token that names it. */
export type Decision = { doubt: number; by: string } & (
  | { action: 'rerun' }
  | { action: 'abandon' }
  /** `result` is JSON that the task's schema took. */
  | { action: 'adopt'; result: unknown }
  /** Adopts the answer that came too late and was kept beside the record. */
  | { action: 'adopt_late' }
);

export type Decided =
  | { kind: 'applied'; row: StoredJob }
  /** It counted before: whoever asks again never heard. The row is as it is by now. */
  | { kind: 'repeated'; row: StoredJob }
  | { kind: 'refused'; why: string; row: StoredJob | null };

/**
 * One conditional write on (IN_DOUBT, token): an old decision never answers a new doubt. `adopt` is
 * taken on FAILED and CANCELED too, naming that row's token. A decision that counted, asked for again (its
 * worker was killed before it could say so), is known by what is on record and changes nothing.
 */
export function decide(decision: Decision): Decide<Decided> {
  return (row, now) => {
    if (row && isOwn(row, decision)) return { returns: { kind: 'repeated', row } };
    const why = whyRefused(row, decision);
    if (!row || why !== null) {
      return { returns: { kind: 'refused', why: why ?? 'nothing is known of it', row } };
    }
    const decisions = [...row.decisions, entry(decision, now)];
    if (decision.action === 'rerun') {
      const job = moveTo(row, 'PENDING', now, { decisions });
      return { returns: { kind: 'applied', row: job }, job };
    }
    if (decision.action === 'abandon') {
      const job = { ...failWith(row, 'abandoned', `abandoned by ${decision.by}`, now), decisions };
      return { returns: { kind: 'applied', row: job }, job };
    }
    const { patch, blobs } = adoptedResult(row, decision);
    const job = moveTo(row, 'COMPLETED', now, {
      decisions,
      source: 'adopted',
      error: null,
      completed_at: now,
      ...patch,
    });
    return { returns: { kind: 'applied', row: job }, job, blobs };
  };
}

/** True where this very decision is on record: same doubt, action and person, and the same adopted result. */
function isOwn(row: StoredJob, decision: Decision): boolean {
  const { action, doubt, by } = entry(decision, 0);
  const isRecorded = row.decisions.some(
    (made) => made.doubt === doubt && made.action === action && made.by === by,
  );
  if (!isRecorded || action !== 'adopt') return isRecorded;
  const results =
    decision.action === 'adopt'
      ? [givenResult(decision).payload]
      : row.calls.flatMap((call) => (call.late ? [call.late.result] : []));
  return results.some((result) => isSamePayload(result, row.result));
}

/** A blob's name stands for one text: an adopted one is named by its digest, a late one by its call. */
function isSamePayload(one: Payload, other: Payload | null): boolean {
  if (!other) return false;
  if ('json' in one) return 'json' in other && one.json === other.json;
  return 'blob' in other && one.blob === other.blob;
}

function whyRefused(row: StoredJob | null, decision: Decision): string | null {
  if (!row) return 'nothing is known of it';
  const adopts = decision.action === 'adopt' || decision.action === 'adopt_late';
  const isAdoptable = row.status === 'FAILED' || row.status === 'CANCELED';
  if (row.status !== 'IN_DOUBT' && !(adopts && isAdoptable)) {
    const last = row.decisions.at(-1);
    const settledBy = last?.doubt === decision.doubt ? `; doubt ${last.doubt} was settled by ${last.by}` : '';
    return `it is ${row.status}, not in doubt${settledBy}`;
  }
  if (row.token !== decision.doubt) {
    return `doubt ${decision.doubt} is not the present one, which is ${row.token}; look again before you decide`;
  }
  if (decision.action === 'adopt_late' && !lateAnswer(row)) return 'no late answer is kept beside it';
  return null;
}

function adoptedResult(row: StoredJob, decision: Decision) {
  const late = decision.action === 'adopt_late' ? lateAnswer(row) : undefined;
  if (late) {
    const { result, usage, cost_usd, model, request_id } = late;
    return { patch: { result, usage, cost_usd, model, request_id }, blobs: {} };
  }
  const { payload, blobs } = givenResult(decision);
  return { patch: { result: payload }, blobs };
}

function givenResult(decision: Decision) {
  const json = decision.action === 'adopt' ? (JSON.stringify(decision.result) ?? 'null') : 'null';
  return toPayload(`result/adopted-${textDigest(json)}`, json);
}

function lateAnswer(row: StoredJob) {
  return row.calls.find((call) => call.late)?.late;
}

function entry(decision: Decision, now: number) {
  const action = decision.action === 'adopt_late' ? ('adopt' as const) : decision.action;
  return { action, doubt: decision.doubt, by: decision.by, at: now };
}

/** Who signs what the job's policy decided. */
export const POLICY = 'policy';

/** The job's policy decides its doubt: `rerun` once per job, `fail` as FAILED `outcome_unknown`. */
export function applyPolicy(action: 'rerun' | 'fail', token: number): Decide<StoredJob | null> {
  return (row, now) => {
    if (row?.status !== 'IN_DOUBT' || row.token !== token) return { returns: row };
    if (action === 'rerun' && wasRerunByPolicy(row)) return { returns: row };
    const decisions = [...row.decisions, { action, doubt: token, by: POLICY, at: now }];
    const job =
      action === 'rerun'
        ? moveTo(row, 'PENDING', now, { decisions })
        : { ...failWith(row, 'outcome_unknown', doubtMessage(row), now), decisions };
    return { returns: job, job };
  };
}

/** True where the policy has used up its one rerun. */
export function wasRerunByPolicy(row: StoredJob): boolean {
  return row.decisions.some((decision) => decision.action === 'rerun' && decision.by === POLICY);
}

function doubtMessage(row: StoredJob): string {
  return `nobody can know whether the call was executed (${row.doubt?.reason ?? 'unknown'})`;
}

/** Says whether the job still goes on by itself; the token stays, it is the same doubt. */
export function setRecovering(token: number, recovering: boolean): Decide<StoredJob | null> {
  return (row, now) => {
    if (row?.status !== 'IN_DOUBT' || row.token !== token || row.doubt?.recovering === recovering) {
      return { returns: row };
    }
    const job: StoredJob = { ...row, doubt: { ...row.doubt!, recovering }, updated_at: now };
    return { returns: job, job };
  };
}

/**
 * Cancels (PROTOCOL 6). A call that may be under way leaves the job `billed: unknown`, whoever cancels;
 * a doubt is abandoned; on a failed or canceled record the token grows, which voids every permit given
 * before.
 *
 * @param seed - of the run that is canceled: makes the row where there is none yet, and keeps a run with
 *   another input from canceling the job that it missed; null = whatever job holds the key
 * @param unsent - the owner's own claim, known not to have been sent
 */
export function cancel(
  seed: JobSeed | null,
  unsent?: { call_id: string; token: number },
): Decide<StoredJob | null> {
  return (row, now) => {
    if (!row) {
      if (!seed) return { returns: null };
      const made = newRow(seed, now);
      const job = moveTo(made.row, 'CANCELED', now, { completed_at: now });
      return { returns: job, job, blobs: made.blobs };
    }
    if (seed && row.input_digest !== seed.input_digest) return { returns: row };
    const job = cancelRow(row, now, unsent);
    return job ? { returns: job, job } : { returns: row };
  };
}

function cancelRow(
  row: StoredJob,
  now: number,
  unsent?: { call_id: string; token: number },
): StoredJob | null {
  switch (row.status) {
    case 'PENDING':
      return moveTo(row, 'CANCELED', now, { completed_at: now });
    case 'IN_PROGRESS': {
      const isUnsent = unsent && isOwner(row, unsent);
      const calls = isUnsent ? withoutCall(row, unsent.call_id) : row.calls;
      return moveTo(row, 'CANCELED', now, { completed_at: now, calls });
    }
    case 'IN_DOUBT': {
      const decisions = [
        ...row.decisions,
        { action: 'abandon' as const, doubt: row.token, by: 'cancel', at: now },
      ];
      return { ...failWith(row, 'abandoned', 'canceled while in doubt', now), decisions };
    }
    case 'FAILED':
    case 'CANCELED':
      return moveTo(row, row.status, now);
    default:
      return null;
  }
}

/**
 * Erases everything but the fact that the id was used; the token outranks every late writer.
 *
 * @param token - of the settled row that was read; one that has moved since is left alone
 */
export function forget(token: number): Decide<StoredJob | null> {
  return (row, now) => {
    if (!row || row.token !== token || !isSettled(row.status) || row.status === 'FORGOTTEN') {
      return { returns: row };
    }
    const job = moveTo(row, 'FORGOTTEN', now, {
      input: null,
      result: null,
      error: null,
      calls: [],
      decisions: [],
      request_id: null,
    });
    return { returns: job, job, dropBlobs: true };
  };
}
