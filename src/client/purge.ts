import type { JobStatus } from '../job';
import { encodeCursor } from '../store/page';
import type { ResultStore } from '../store/store';

/** Which settled jobs have been kept long enough. */
export interface PurgeRule {
  /** Of this task alone; absent = of every task. */
  task?: string;
  /** How long ago the record last changed, in ms, by the store's clock. */
  keepMs: number;
}

export interface PurgeOptions {
  /** Jobs in one step, 1 to 1000; default 500. */
  batch?: number;
  /** Only count. Default false. */
  dryRun?: boolean;
}

/** What one step did. */
export interface PurgeStep {
  task: string | undefined;
  status: JobStatus;
  /** Records that were erased, or, in a dry run, would be. */
  jobs: number;
  /** Records that were old enough and stayed: they changed meanwhile, or can't be opened. */
  left: number;
}

const SETTLED: readonly JobStatus[] = ['COMPLETED', 'FAILED', 'CANCELED', 'FORGOTTEN'];

/**
 * Erases the records, with input, results and raw texts, of settled jobs that were kept long enough; tombstones of
 * forgotten ones too. Never takes an unsettled job, nor one that changes meanwhile, so that it may run beside
 * anything. A job_id that is purged is free: submitted again it runs, and costs, again.
 *
 * @throws UnreachableError where the store is away; beginning again is safe
 *
 * @example
 * for await (const { jobs } of purgeJobs(store, [{ task: 'enrich', keepMs: 90 * 86_400_000 }])) total += jobs;
 */
export async function* purgeJobs(
  store: ResultStore,
  rules: readonly PurgeRule[],
  { batch = 500, dryRun = false }: PurgeOptions = {},
): AsyncGenerator<PurgeStep> {
  // no job has this key: it breaks the grammar of ids
  const { now } = await store.read('/purge');
  for (const { task, keepMs } of rules) {
    for (const status of SETTLED) {
      // lists go from the newest change to the oldest: begin where the records are old enough
      let cursor: string | undefined = encodeCursor({ updated_at: now - keepMs, key: '' });
      while (cursor !== undefined) {
        const page = await store.list({ status, task, limit: batch, cursor });
        const jobs = dryRun ? page.jobs.length : await store.remove(page.jobs);
        const left = page.jobs.length - jobs + (page.corrupt?.length ?? 0);
        if (jobs + left > 0) yield { task, status, jobs, left };
        cursor = page.cursor;
      }
    }
  }
}
