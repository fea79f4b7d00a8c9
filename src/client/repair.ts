import type { JobStatus } from '../job';
import { isSettled, parseJobKey } from '../job';
import { toRecord } from '../once/record';
import { findRun } from './runs';
import { restartRun, type Scope } from './scope';

/** A job that is not settled and had no open run. */
export interface RepairedJob {
  job_id: string;
  tenant: string | null;
  status: JobStatus;
  /** False where Temporal refused a start: its run completed, and the store has lost the record. */
  started: boolean;
}

const UNSETTLED: readonly JobStatus[] = ['PENDING', 'IN_PROGRESS', 'IN_DOUBT'];
const PAGE = 1000;

/**
 * Starts a run for every unsettled record that has none: its submitter died between the record and the
 * start, or somebody terminated the run. Yields each such job.
 *
 * @param tenant - whose jobs; null = jobs without a tenant; undefined = all
 * @param olderThanMs - leaves records alone that changed later than this: their start may be on its way
 */
export async function* repairJobs(
  scope: Scope,
  tenant: string | null | undefined,
  olderThanMs: number,
): AsyncGenerator<RepairedJob> {
  for (const status of UNSETTLED) {
    for await (const key of keysOf(scope, status, tenant)) {
      const repaired = await repairJob(scope, key, olderThanMs);
      if (repaired) yield repaired;
    }
  }
}

async function* keysOf(scope: Scope, status: JobStatus, tenant: string | null | undefined) {
  let cursor: string | undefined;
  do {
    const page = await scope.store!.list({ status, tenant, limit: PAGE, cursor });
    for (const { key } of page.jobs) yield key;
    cursor = page.cursor;
  } while (cursor);
}

async function repairJob(scope: Scope, key: string, olderThanMs: number): Promise<RepairedJob | null> {
  if ((await findRun(scope.client, key))?.isOpen) return null;
  // read after the look at the run: a run that closed meanwhile has settled its record first
  const { job, now } = await scope.store!.read(key);
  if (!job || isSettled(job.status) || now - job.updated_at < olderThanMs) return null;
  const started = await restartRun(scope, key, toRecord(job));
  const { jobId, tenant } = parseJobKey(key);
  return { job_id: jobId, tenant, status: job.status, started };
}
