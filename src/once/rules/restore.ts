import type { JobRecord } from '../../job';
import type { Decide, StoredJob } from '../../store/store';
import { moveTo, toPayload } from './row';

/**
 * Takes over a result that only Temporal's history still has: the store lost the row, and a submission
 * has made a new one. The first result stands, so the row takes its task and input's digest too; it then
 * refuses another input as it always did. A row that was claimed since is left alone.
 */
export function restore(record: JobRecord): Decide<StoredJob | null> {
  return (row, now) => {
    if (row?.status !== 'PENDING' || row.attempts > 0) return { returns: row };
    const { payload, blobs } = toPayload(
      `result/history-${row.token}`,
      JSON.stringify(record.result) ?? 'null',
    );
    const { task, task_version, input_digest, usage, cost_usd, model, request_id, attempts } = record;
    const job: StoredJob = {
      ...moveTo(row, 'COMPLETED', now, {
        ...{ task, task_version, input_digest, usage, cost_usd, model, request_id, attempts },
        input: input_digest === row.input_digest ? row.input : null,
        result: payload,
        source: 'recovered',
        completed_at: now,
      }),
      // its calls are forgotten; that it was paid for is not
      billed: 'yes',
    };
    return { returns: job, job, blobs };
  };
}
