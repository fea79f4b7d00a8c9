import { StoreCorruptError } from '../errors';
import { JOB_STATUSES, type JobStatus, parseJobKey } from '../job';
import { encodeCursor } from './page';
import type { ListPage, SeenRow, StoredJob } from './store';

/** A job as a table holds it: the whole of it in `doc`, and beside it what `list` and `stats` ask for. */
export interface JobRow {
  key: string;
  task: string;
  status: JobStatus;
  tenant: string | null;
  created_at: number;
  updated_at: number;
  attempts: number;
  input_tokens: number | null;
  output_tokens: number | null;
  cost_usd: number | null;
  /** The {@link StoredJob} as JSON. */
  doc: string;
}

/**
 * The row that keeps a job.
 *
 * @throws Error where a decision made a row for another key than it was asked about: a fault in our code
 */
export function encodeRow(key: string, job: StoredJob): JobRow {
  if (job.key !== key) throw new Error('a decision over one job returned the row of another');
  return {
    key,
    task: job.task,
    status: job.status,
    tenant: parseJobKey(key).tenant,
    created_at: job.created_at,
    updated_at: job.updated_at,
    attempts: job.attempts,
    input_tokens: job.usage?.input_tokens ?? null,
    output_tokens: job.usage?.output_tokens ?? null,
    cost_usd: job.cost_usd,
    doc: JSON.stringify(job),
  };
}

/**
 * The job that a row keeps. A row that was damaged or written by a stranger is an error and never
 * "no such job": a job taken for absent would be paid for again.
 *
 * @param row - as the table gave it; nothing about it is trusted
 * @throws StoreCorruptError
 */
export function decodeRow(row: { key: string; status: unknown; doc: unknown }): StoredJob {
  const job = parseDoc(row.key, row.doc);
  const fault = findFault(job, row);
  if (fault) throw new StoreCorruptError(row.key, fault);
  return job as StoredJob;
}

/**
 * A page of rows. One that can't be trusted does not hide the others: it is named beside them.
 *
 * @param rows - up to one more than the page has, which says that another page follows
 */
export function decodePage(rows: readonly JobRow[], size: number): ListPage {
  const jobs: StoredJob[] = [];
  const corrupt: NonNullable<ListPage['corrupt']> = [];
  const page = rows.slice(0, size);
  for (const row of page) {
    try {
      jobs.push(decodeRow(row));
    } catch (e) {
      if (!(e instanceof StoreCorruptError)) throw e;
      corrupt.push({ key: row.key, message: e.message });
    }
  }
  const last = page.at(-1);
  const cursor = last && rows.length > size ? { cursor: encodeCursor(last) } : {};
  return { jobs, ...(corrupt.length > 0 ? { corrupt } : {}), ...cursor };
}

/** Whether nobody has written a row since it was seen so. */
export function isAsSeen(job: StoredJob | null, seen: SeenRow): boolean {
  return job !== null && job.token === seen.token && job.updated_at === seen.updated_at;
}

function parseDoc(key: string, doc: unknown): Partial<StoredJob> {
  let job: unknown;
  try {
    job = JSON.parse(String(doc));
  } catch {
    // the parser's own error quotes the text, which may be a prompt or a result
    throw new StoreCorruptError(key, 'it is not JSON');
  }
  if (typeof job !== 'object' || job === null) throw new StoreCorruptError(key, 'it is not a JSON object');
  return job;
}

function findFault(job: Partial<StoredJob>, row: { key: string; status: unknown }): string | null {
  if (job.key !== row.key) return 'it holds another job';
  if (!JOB_STATUSES.includes(job.status as JobStatus)) return 'it has no known status';
  if (job.status !== row.status) return 'it has two statuses';
  if (!Number.isSafeInteger(job.token)) return 'it has no token';
  if (!Array.isArray(job.calls)) return 'it has no list of calls';
  return null;
}
