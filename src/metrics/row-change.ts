import { isSettled, type JobStatus, type Usage } from '../job';
import type { StoredCall, StoredJob } from '../store/store';

/** A call of which this write is the first to know that it was executed, hence paid for. */
export interface BilledCall {
  model: string | null;
  usage: Usage | null;
  /** Null where it is not known, never 0 for want of knowledge. */
  cost_usd: number | null;
  /** True where its answer came too late to settle the job as its owner. */
  isLate: boolean;
}

/** What one durable write did to a job. */
export interface RowChange {
  /** `claim` and `save` are the two that stand between a job and its answer. */
  kind: 'submit' | 'claim' | 'renew' | 'save' | 'change';
  task: string;
  isClaim: boolean;
  billed: BilledCall | null;
  /** The result was found again at the provider. */
  isRecovered: boolean;
  isDoubted: boolean;
  /** Absent where the write settled nothing; `seconds` since the submission, null for a job opened again. */
  settled?: { status: JobStatus; seconds: number | null };
}

/**
 * What happened between two states of a row. Pure. Rows tell it exactly: a call is open until it is known to
 * be executed, once, whoever finds its answer and however often.
 */
export function rowChange(before: StoredJob | null, after: StoredJob): RowChange {
  const isNewStatus = before?.status !== after.status;
  const isClaim = after.calls.some((call) => !callOf(before, call.call_id));
  const billed = billedCall(before, after);
  const isRecovered = isNewStatus && billed !== null && after.source === 'recovered' && isAnswered(after);
  const isDoubted = isNewStatus && after.status === 'IN_DOUBT';
  const settled = isNewStatus && isSettled(after.status) && after.status !== 'FORGOTTEN';
  return {
    kind: kindOf(before, after, isClaim, billed !== null),
    task: after.task,
    isClaim,
    billed,
    isRecovered,
    isDoubted,
    ...(settled && { settled: { status: after.status, seconds: secondsToAnswer(before, after) } }),
  };
}

function kindOf(
  before: StoredJob | null,
  after: StoredJob,
  isClaim: boolean,
  isBilled: boolean,
): RowChange['kind'] {
  if (isClaim) return 'claim';
  if (isBilled) return 'save';
  if (!before) return 'submit';
  return before.token === after.token && before.lease_until !== after.lease_until ? 'renew' : 'change';
}

function billedCall(before: StoredJob | null, after: StoredJob): BilledCall | null {
  const known = after.calls.find(
    (call) => call.fate === 'executed' && callOf(before, call.call_id)?.fate !== 'executed',
  );
  const isAnswer = before?.status !== after.status && isAnswered(after);
  // its provider said "not executed", which took it off the list, and then answered after all
  const isUnlisted = !known && isAnswer && wasCalled(before) && after.status === 'COMPLETED';
  if (!known && !isUnlisted) return null;
  if (isAnswer) {
    const { model, usage, cost_usd, source } = after;
    return { model, usage, cost_usd, isLate: source === 'late' };
  }
  return { ...factsBeside(known), isLate: true };
}

/** True where the row's own model, usage and price are those of an answer of the provider's. */
function isAnswered({ status, source, error }: StoredJob): boolean {
  if (status === 'COMPLETED') return source !== null && source !== 'adopted';
  return status === 'FAILED' && error !== null && ANSWERED_BADLY.has(error.code);
}

const ANSWERED_BADLY = new Set<string>(['truncated', 'refused', 'output_invalid', 'too_large']);

/** A result that was restored from Temporal's history is no new call. */
function wasCalled(before: StoredJob | null): boolean {
  return before !== null && before.attempts > 0;
}

function factsBeside(call: StoredCall | undefined): Omit<BilledCall, 'isLate'> {
  const { model = null, cost_usd = null } = call?.late ?? {};
  return { model, cost_usd, usage: call?.usage ?? null };
}

function callOf(row: StoredJob | null, callId: string): StoredCall | undefined {
  return row?.calls.find((call) => call.call_id === callId);
}

function secondsToAnswer(before: StoredJob | null, after: StoredJob): number | null {
  // one that is opened again, or adopted long after its failure, says nothing of how long answers take
  if (after.generation > 1 || (before !== null && isSettled(before.status))) return null;
  return Math.max(0, (after.completed_at ?? after.updated_at) - after.created_at) / 1000;
}
