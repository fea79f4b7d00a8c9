import type { JobRecord } from '../../job';
import type { Decide, StoredJob } from '../../store/store';
import { moveTo, toPayload } from './row';

/**
 * Takes over a result that only Temporal's history still has: the store lost the row, and a submission
 * has made a new one, or the store went back to before the result, as a standby does that was promoted without
 * the last writes. The first result stands, so the row takes its task and input's digest too; it then
 * refuses another input as it always did. A row that was made anew and claimed since is left alone.
 */
export function restore(record: JobRecord): Decide<StoredJob | null> {
  return (row, now) => {
    if (!row || !(isUnclaimed(row) || isOlder(row, record))) return { returns: row };
    const { payload, blobs } = toPayload(
      `result/history-${row.token}`,
      JSON.stringify(record.result) ?? 'null',
    );
    const { task, task_version, input_digest, usage, cost_usd, model, request_id, attempts } = record;
    const moved = moveTo(row, 'COMPLETED', now, {
      ...{ task, task_version, input_digest, usage, cost_usd, model, request_id, attempts },
      input: input_digest === row.input_digest ? row.input : null,
      result: payload,
      source: 'recovered',
      error: null,
      completed_at: now,
    });
    // its calls are forgotten; that it was paid for, and what was told of its token, is not
    const job: StoredJob = { ...moved, token: Math.max(moved.token, record.token), billed: 'yes' };
    return { returns: job, job, blobs };
  };
}

function isUnclaimed(row: StoredJob): boolean {
  return row.status === 'PENDING' && row.attempts === 0;
}

/** Of the same life as the record, and from before it: a row that was made anew has another time of creation. */
function isOlder(row: StoredJob, { created_at, token }: JobRecord): boolean {
  if (row.status === 'COMPLETED' || row.status === 'FORGOTTEN') return false;
  return row.created_at === Date.parse(created_at) && row.token < token;
}
