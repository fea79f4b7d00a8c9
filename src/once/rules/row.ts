import { type Billed, INLINE_LIMIT_BYTES, type JobErrorCode, type JobStatus } from '../../job';
import type { Payload, StoredCall, StoredJob } from '../../store/store';
import type { ProviderError } from '../outcome';

/** What a rule needs to make the first row of a job. */
export interface JobSeed {
  key: string;
  task: string;
  task_version: string | null;
  input_digest: string;
  /** The input's JSON text; null where only its digest is known. */
  input_json: string | null;
}

/** A payload and, where it is too large for the row, the blob to write with it. */
export function toPayload(name: string, json: string): { payload: Payload; blobs: Record<string, string> } {
  const bytes = Buffer.byteLength(json);
  if (bytes <= INLINE_LIMIT_BYTES) return { payload: { json }, blobs: {} };
  return { payload: { blob: name, bytes }, blobs: { [name]: json } };
}

/** The input as a payload, named by its digest so that a replaced input never answers for another. */
export function inputPayload(seed: JobSeed): { payload: Payload | null; blobs: Record<string, string> } {
  if (seed.input_json === null) return { payload: null, blobs: {} };
  return toPayload(`input/${seed.input_digest}`, seed.input_json);
}

/** A first row, PENDING. */
export function newRow(seed: JobSeed, now: number): { row: StoredJob; blobs: Record<string, string> } {
  const { payload, blobs } = inputPayload(seed);
  const row: StoredJob = {
    key: seed.key,
    task: seed.task,
    task_version: seed.task_version,
    input_digest: seed.input_digest,
    input: payload,
    status: 'PENDING',
    token: 1,
    generation: 1,
    refusal: null,
    result: null,
    error: null,
    billed: 'no',
    attempts: 0,
    calls: [],
    lease_until: null,
    doubt: null,
    decisions: [],
    source: null,
    usage: null,
    cost_usd: null,
    model: null,
    request_id: null,
    created_at: now,
    sent_at: null,
    updated_at: now,
    completed_at: null,
  };
  return { row, blobs };
}

/**
 * The row at another status. The fencing token grows here and nowhere else, so that no change of status
 * can forget it: had settling not grown it, an owner's release after a late answer would bring a
 * COMPLETED job back to life.
 */
export function moveTo(
  row: StoredJob,
  status: JobStatus,
  now: number,
  patch: Partial<StoredJob> = {},
): StoredJob {
  // a series of refusals goes on through the claims between them, and through nothing else
  const isSeries = status === 'PENDING' || status === 'IN_PROGRESS';
  const next = {
    ...row,
    lease_until: null,
    doubt: null,
    refusal: isSeries ? row.refusal : null,
    rejection: status === row.status ? row.rejection : undefined,
    ...patch,
    status,
    token: row.token + 1,
    updated_at: now,
  };
  return { ...next, billed: status === 'FORGOTTEN' ? row.billed : foldBilled(next) };
}

/** The row settled FAILED. `said`: in the provider's own words, where it refused the request. */
export function failWith(
  row: StoredJob,
  code: JobErrorCode,
  message: string,
  now: number,
  said?: ProviderError,
): StoredJob {
  const rejection = said && { rejection: said };
  return moveTo(row, 'FAILED', now, { error: { code, message }, completed_at: now, ...rejection });
}

/**
 * Whether any call of this generation may have been executed. It speaks of the job, not of its last
 * claim: a 400 after a rerun does not un-bill the call in doubt before it.
 */
export function foldBilled(row: Pick<StoredJob, 'calls' | 'generation'>): Billed {
  const calls = row.calls.filter((call) => call.generation === row.generation);
  if (calls.some((call) => call.fate === 'executed')) return 'yes';
  return calls.length > 0 ? 'unknown' : 'no';
}

/**
 * True where this claim still owns the right to call. A store that lost its last writes gives a token out twice: the
 * claim has to be the row's own, too.
 */
export function isOwner(row: StoredJob, { token, call_id }: Pick<StoredCall, 'token' | 'call_id'>): boolean {
  return (
    row.status === 'IN_PROGRESS' && row.token === token && row.calls.some((call) => call.call_id === call_id)
  );
}

/** The calls with one of them changed; unchanged where it isn't listed. */
export function patchCall(row: StoredJob, callId: string, patch: Partial<StoredCall>): StoredCall[] {
  return row.calls.map((call) => (call.call_id === callId ? { ...call, ...patch } : call));
}

/** The calls without one that is now known not to have been executed. */
export function withoutCall(row: StoredJob, callId: string): StoredCall[] {
  return row.calls.filter((call) => call.call_id !== callId);
}

/** The calls, of any generation, whose fate is open: what recovery asks for. */
export function openCalls(row: StoredJob): StoredCall[] {
  return row.calls.filter((call) => call.fate === 'open');
}
