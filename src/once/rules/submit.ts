import type { ReopenPermit } from '../../job';
import type { Decide, StoredJob } from '../../store/store';
import { type JobSeed, newRow } from './row';

/** How a submission meets the record (PROTOCOL 2). */
export type Submission =
  /** A new PENDING row: start a run. */
  | { kind: 'created'; row: StoredJob }
  /** Unsettled: start a run too; "already started" is the join. A row alone never means that something runs. */
  | { kind: 'unsettled'; row: StoredJob }
  /** Settled for good: the record is the answer. */
  | { kind: 'replay'; row: StoredJob }
  /** Failed or canceled without a call: start a run that may open it again. Nothing was written. */
  | { kind: 'reopen'; row: StoredJob; permit: ReopenPermit }
  | { kind: 'mismatch'; row: StoredJob }
  | { kind: 'forgotten'; row: StoredJob };

/** Looks up, and writes the first row where there is none. */
export function submit(seed: JobSeed): Decide<Submission> {
  return (row, now) => {
    if (row) return { returns: meet(row, seed.input_digest) };
    const { row: job, blobs } = newRow(seed, now);
    return { returns: { kind: 'created', row: job }, job, blobs };
  };
}

/** How a submission with this digest meets an existing row. */
export function meet(row: StoredJob, digest: string): Submission {
  if (row.status === 'FORGOTTEN') return { kind: 'forgotten', row };
  if (row.input_digest !== digest && !isReplaceable(row)) return { kind: 'mismatch', row };
  if (row.status === 'COMPLETED') return { kind: 'replay', row };
  if (row.status === 'FAILED' || row.status === 'CANCELED') {
    // a redelivered message must not buy an answer again that was bad the first time
    if (row.billed !== 'no') return { kind: 'replay', row };
    return { kind: 'reopen', row, permit: { token: row.token } };
  }
  return { kind: 'unsettled', row };
}

/** An input that was refused before any claim may be corrected under the same id. */
export function isReplaceable(row: StoredJob): boolean {
  return row.status === 'FAILED' && row.error?.code === 'invalid_input' && row.attempts === 0;
}

/** What an explicit `retry` may do (PROTOCOL 6). */
export type Retry =
  | { kind: 'reopen'; permit: ReopenPermit }
  | { kind: 'start' }
  | { kind: 'settled' }
  | { kind: 'in_doubt' }
  | { kind: 'forgotten' };

/** Decides a `retry`; it writes nothing, the permit does its work in the claim. */
export function meetRetry(row: StoredJob): Retry {
  switch (row.status) {
    case 'FAILED':
    case 'CANCELED':
      return { kind: 'reopen', permit: { token: row.token, paid: true } };
    case 'COMPLETED':
      return { kind: 'settled' };
    case 'IN_DOUBT':
      return { kind: 'in_doubt' };
    case 'FORGOTTEN':
      return { kind: 'forgotten' };
    default:
      return { kind: 'start' };
  }
}
