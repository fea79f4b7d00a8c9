import { StoreCorruptError } from '../errors';
import { type JobRecord, parseJobKey } from '../job';
import type { Payload, ResultStore, StoredJob } from '../store/store';

const iso = (ms: number): string => new Date(ms).toISOString();
const isoOrNull = (ms: number | null): string | null => (ms === null ? null : iso(ms));

/**
 * The record as everybody reads it. A result held as a blob stays behind: `result` is null and
 * `result_ref` names it.
 */
export function toRecord(row: StoredJob): JobRecord {
  return {
    job_id: parseJobKey(row.key).jobId,
    task: row.task,
    task_version: row.task_version,
    input_digest: row.input_digest,
    status: row.status,
    result: row.result && 'json' in row.result ? JSON.parse(row.result.json) : null,
    ...(row.result && 'blob' in row.result && { result_ref: row.result.blob }),
    error: row.error,
    billed: row.billed,
    attempts: row.attempts,
    doubt: row.doubt && { ...row.doubt, since: iso(row.doubt.since) },
    refusal: row.refusal && {
      ...row.refusal,
      since: iso(row.refusal.since),
      retry_at: iso(row.refusal.retry_at),
    },
    decisions: row.decisions.map((decision) => ({ ...decision, at: iso(decision.at) })),
    source: row.source,
    usage: row.usage,
    cost_usd: row.cost_usd,
    model: row.model,
    request_id: row.request_id,
    token: row.token,
    late_results: row.calls.filter((call) => call.late).length,
    created_at: iso(row.created_at),
    sent_at: isoOrNull(row.sent_at),
    updated_at: iso(row.updated_at),
    completed_at: isoOrNull(row.completed_at),
  };
}

/** The record with its result whole, read from its blob where it is one. */
export async function loadRecord(store: ResultStore, row: StoredJob): Promise<JobRecord> {
  const record = toRecord(row);
  if (!row.result || 'json' in row.result) return record;
  const { result_ref: _, ...rest } = record;
  return { ...rest, result: JSON.parse(await loadPayload(store, row.key, row.result)) };
}

/**
 * A payload's JSON text.
 *
 * @throws StoreCorruptError where its blob is gone, which is never taken for an empty one
 */
export async function loadPayload(store: ResultStore, key: string, payload: Payload): Promise<string> {
  if ('json' in payload) return payload.json;
  const text = await store.readBlob(key, payload.blob);
  if (text === null) throw new StoreCorruptError(key, `its blob ${payload.blob} is missing`);
  return text;
}
