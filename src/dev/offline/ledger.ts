import type { HistoryEvent } from '../check-history';
import { type JsonLines, openJsonLines, readJsonLines } from './jsonl';

/** A call that the offline model would have charged for; written and fsynced before its answer is sent. */
export interface BilledEntry {
  phase: 'billed';
  /** ISO 8601. */
  at: string;
  /** The completion's id. */
  call: string;
  /** `metadata.job_id` of the request, or null. */
  job_id: string | null;
  /** `metadata.call_id` of the request, or null. */
  call_id: string | null;
  /** The request's `Idempotency-Key` header, or null. */
  idempotency_key: string | null;
  model: string;
  prompt_tokens: number;
  completion_tokens: number;
}

/** The answer of a billed call went out whole; a billed call without it was paid for and lost on the way. */
export interface AnsweredEntry {
  phase: 'answered';
  /** ISO 8601. */
  at: string;
  call: string;
}

/** One line of the ledger. */
export type LedgerEntry = BilledEntry | AnsweredEntry;

/** Opens the ledger for appending. */
export function openLedger(file: string): Promise<JsonLines> {
  return openJsonLines(file);
}

/** Reads the ledger, also while the offline model writes it; a missing file is an empty ledger. */
export function readLedger(file: string): LedgerEntry[] {
  return readJsonLines<LedgerEntry>(file);
}

/**
 * Counts billed calls by job. Calls that name no job at all are counted under null.
 *
 * @example
 * billedCalls('ledger.jsonl').get('film-17') // 1
 */
export function billedCalls(file: string): Map<string | null, number> {
  const counts = new Map<string | null, number>();
  for (const entry of readLedger(file)) {
    if (entry.phase !== 'billed') continue;
    const job = attributeCall(entry.job_id, entry.idempotency_key);
    counts.set(job, (counts.get(job) ?? 0) + 1);
  }
  return counts;
}

/** The calls of a ledger, for the history checker. */
export function calledEvents(ledger: readonly LedgerEntry[]): HistoryEvent[] {
  return ledger.flatMap((entry): HistoryEvent[] =>
    entry.phase === 'billed'
      ? [{ type: 'called', job: attributeCall(entry.job_id, entry.idempotency_key), call: entry.call }]
      : [],
  );
}

/**
 * Says which job a call belongs to: the metadata's `job_id`; without one the job inside an idempotency key of
 * the form `<store_id>/<job_id>/<generation>`; else the whole key; else null.
 */
export function attributeCall(jobId: string | null, idempotencyKey: string | null): string | null {
  if (jobId !== null) return jobId;
  const inside = idempotencyKey?.match(/^[^/]+\/(.+)\/\d+$/)?.[1];
  return inside ?? idempotencyKey;
}
