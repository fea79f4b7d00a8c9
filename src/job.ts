import { InvalidJobIdError } from './errors';

/** Every status of a job, in the order of its life. */
export const JOB_STATUSES = [
  'PENDING',
  'IN_PROGRESS',
  'IN_DOUBT',
  'COMPLETED',
  'FAILED',
  'CANCELED',
  'FORGOTTEN',
] as const;

export type JobStatus = (typeof JOB_STATUSES)[number];

/** Why a job FAILED. */
export type JobErrorCode =
  | 'invalid_input'
  | 'provider_rejected'
  | 'output_invalid'
  | 'truncated'
  | 'refused'
  | 'retries_exhausted'
  | 'outcome_unknown'
  | 'abandoned'
  | 'too_large'
  | 'store_corrupt';

/** Whether any call of the job may have been executed, hence paid for. */
export type Billed = 'no' | 'yes' | 'unknown';

/** Where a result came from. */
export type ResultSource = 'inference' | 'recovered' | 'late' | 'adopted';

/** Tokens of one answer; what the provider did not say is null, never 0. */
export interface Usage {
  input_tokens: number | null;
  cached_tokens: number | null;
  output_tokens: number | null;
  reasoning_tokens: number | null;
}

/** An open question: was the call executed? It is named by its token. */
export interface Doubt {
  token: number;
  since: string;
  reason: string;
  /** True while the provider is still being asked and operators need not look yet. */
  recovering: boolean;
}

/** What was decided about a doubt, by whom and when. */
export interface DecisionRecord {
  action: 'rerun' | 'adopt' | 'abandon' | 'fail';
  doubt: number;
  by: string;
  at: string;
}

/** Why the last call of a waiting job was not executed, and when it is tried again. */
export interface Refusal {
  /** A stable word, e.g. `rate_limited`, `unauthorized`, `unreachable`. */
  reason: string;
  message: string;
  /** The first of an unbroken series. */
  since: string;
  retry_at: string;
}

/**
 * The record of a job: one shape in the store, the workflow's result, HTTP, the command line and the
 * queue. Times are ISO 8601 by the store's clock.
 */
export interface JobRecord {
  job_id: string;
  task: string;
  task_version: string | null;
  input_digest: string;
  status: JobStatus;
  /** The task's output; null or empty is a real result where the status is COMPLETED. */
  result: unknown;
  /** Set where the result is too large to travel: its name in the store. */
  result_ref?: string;
  error: { code: JobErrorCode; message: string } | null;
  billed: Billed;
  attempts: number;
  doubt: Doubt | null;
  /** Set while calls are refused at no cost and tried again. */
  refusal: Refusal | null;
  decisions: DecisionRecord[];
  source: ResultSource | null;
  usage: Usage | null;
  cost_usd: number | null;
  model: string | null;
  request_id: string | null;
  /** The fencing token: grows at every change of status; `resolve` and `reopen` name it. */
  token: number;
  /** How many valid answers arrived too late and are kept beside the record. */
  late_results: number;
  created_at: string;
  sent_at: string | null;
  updated_at: string;
  completed_at: string | null;
}

/** What `submit` answers: the record, and how the submission met it. */
export interface SubmitAnswer extends JobRecord {
  /** True where this submission started the job. */
  created: boolean;
  /** True where a settled job answered from the record. */
  replayed: boolean;
}

/** A permit to open a settled record again; void as soon as the record's token moves. */
export interface ReopenPermit {
  token: number;
  /** Set by `retry` only: opens a record that may have been billed too. */
  paid?: boolean;
}

/**
 * The one argument of the `inferenceJob` workflow. A bare Temporal client in any language sends
 * `{task, input}`.
 */
export interface JobArgument {
  task: string;
  /** The task's input, as submitted. */
  input?: unknown;
  /** In place of `input`: the digest of the input that the record in the store holds. */
  input_ref?: string;
  /** The store that this job's record is in; a worker on another store refuses the job. */
  store_id?: string;
  reopen?: ReopenPermit;
}

/** The workflow type. */
export const WORKFLOW_TYPE = 'inferenceJob';
/** The default task queue. */
export const TASK_QUEUE = 'inference';
/** The memo field that holds the input's digest. */
export const MEMO_DIGEST = 'input_digest';
/** The memo field that holds the record of a canceled run: Temporal drops a cancellation's details. */
export const MEMO_RECORD = 'record';
/** Prompts and results above this many bytes go through the store, with a reference in history. */
export const INLINE_LIMIT_BYTES = 64 * 1024;

/** 1 to 63 letters, digits and . _ -, beginning with a letter. */
const TASK_NAME = /^[A-Za-z][A-Za-z0-9._-]{0,62}$/;
const JOB_ID = /^[A-Za-z0-9][A-Za-z0-9._:~@+-]{0,254}$/;
const TENANT = /^[a-z0-9][a-z0-9-]{0,62}$/;

/** True where nothing but `forget` and `retry` changes the status any more. */
export function isSettled(status: JobStatus): boolean {
  return status === 'COMPLETED' || status === 'FAILED' || status === 'CANCELED' || status === 'FORGOTTEN';
}

/** True for what a task can be named. */
export function isTaskName(name: unknown): name is string {
  return typeof name === 'string' && TASK_NAME.test(name);
}

/** True for what a tenant can be named: 1 to 63 of a-z, 0-9 and -, not beginning with -. */
export function isTenant(name: unknown): name is string {
  return typeof name === 'string' && TENANT.test(name);
}

/**
 * The store key and workflow id of a job.
 *
 * @param jobId - as the caller names it
 * @param tenant - null for jobs without a tenant
 * @returns `job_id`, or `tenant/job_id`
 * @throws InvalidJobIdError where either breaks its grammar
 */
export function jobKey(jobId: string, tenant: string | null = null): string {
  if (typeof jobId !== 'string' || !JOB_ID.test(jobId)) {
    throw new InvalidJobIdError(
      String(jobId),
      'an id is 1 to 255 letters, digits and . _ : ~ @ + - and begins with a letter or digit',
    );
  }
  if (tenant === null) return jobId;
  if (!isTenant(tenant)) {
    throw new InvalidJobIdError(jobId, `tenant ${JSON.stringify(tenant)} is not 1 to 63 of a-z, 0-9 and -`);
  }
  return `${tenant}/${jobId}`;
}

/**
 * The `job_id` and tenant of a workflow id; the inverse of {@link jobKey}.
 *
 * @throws InvalidJobIdError where the key is neither `job_id` nor `tenant/job_id`
 */
export function parseJobKey(key: string): { jobId: string; tenant: string | null } {
  const slash = key.indexOf('/');
  const tenant = slash < 0 ? null : key.slice(0, slash);
  const jobId = key.slice(slash + 1);
  jobKey(jobId, tenant);
  return { jobId, tenant };
}

/**
 * The record of a job of which no more is known than that it was submitted, where no store holds one. Its
 * token is 0; whether a worker has called meanwhile is not known here.
 *
 * @param digest - '' where it is not known yet
 */
export function pendingRecord(jobId: string, task: string, digest: string, since: Date): JobRecord {
  const at = since.toISOString();
  return {
    job_id: jobId,
    task,
    task_version: null,
    input_digest: digest,
    status: 'PENDING',
    result: null,
    error: null,
    billed: 'unknown',
    attempts: 0,
    doubt: null,
    refusal: null,
    decisions: [],
    source: null,
    usage: null,
    cost_usd: null,
    model: null,
    request_id: null,
    token: 0,
    late_results: 0,
    created_at: at,
    sent_at: null,
    updated_at: at,
    completed_at: null,
  };
}
