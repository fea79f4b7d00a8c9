import { z } from 'zod';
import { JOB_STATUSES, type JobErrorCode, type JobRecord } from '../../job';
import { described } from './registry';

const ERROR_CODES = [
  ...['invalid_input', 'provider_rejected', 'output_invalid', 'truncated', 'refused'],
  ...['retries_exhausted', 'outcome_unknown', 'abandoned', 'too_large', 'store_corrupt'],
] as JobErrorCode[];

const time = z.iso.datetime();
const tokens = z.int().nullable();

const fields = {
  job_id: z.string(),
  task: z.string(),
  task_version: z.string().nullable(),
  input_digest: z.string().register(described, {
    description: 'SHA-256 of task and input, canonical; keyed where the store is encrypted.',
  }),
  status: z.enum(JOB_STATUSES),
  result: z.unknown().register(described, {
    description: "The task's output; null or empty is a real result where the status is COMPLETED.",
  }),
  result_ref: z.string().optional(),
  error: z.object({ code: z.enum(ERROR_CODES), message: z.string() }).nullable(),
  billed: z.enum(['no', 'yes', 'unknown']),
  attempts: z.int(),
  doubt: z.object({ token: z.int(), since: time, reason: z.string(), recovering: z.boolean() }).nullable(),
  refusal: z.object({ reason: z.string(), message: z.string(), since: time, retry_at: time }).nullable(),
  decisions: z.array(
    z.object({
      action: z.enum(['rerun', 'adopt', 'abandon', 'fail']),
      doubt: z.int(),
      by: z.string(),
      at: time,
    }),
  ),
  source: z.enum(['inference', 'recovered', 'late', 'adopted']).nullable(),
  usage: z
    .object({
      input_tokens: tokens,
      cached_tokens: tokens,
      output_tokens: tokens,
      reasoning_tokens: tokens,
    })
    .nullable(),
  cost_usd: z.number().nullable(),
  model: z.string().nullable(),
  request_id: z.string().nullable(),
  token: z.int().register(described, { description: 'The fencing token; a decision names it.' }),
  late_results: z.int(),
  created_at: time,
  sent_at: time.nullable(),
  updated_at: time,
  completed_at: time.nullable(),
};

/** A job's record, as the API's description has it. */
export const RecordSchema: z.ZodType<JobRecord> = z.object(fields).register(described, { id: 'JobRecord' });

/** What a submission is answered with. */
export const SubmitAnswerSchema = z
  .object({
    ...fields,
    created: z.boolean().register(described, { description: 'This request started the job.' }),
    replayed: z.boolean().register(described, { description: 'A settled job answered from its record.' }),
  })
  .register(described, { id: 'SubmitAnswer' });

/** A page of `GET /v1/jobs`. */
export const PageSchema = z.object({
  records: z.array(RecordSchema),
  cursor: z.string().nullable().register(described, { description: 'For the next page; null on the last.' }),
  corrupt: z.array(z.object({ job_id: z.string(), message: z.string() })).register(described, {
    description: 'Jobs of this page whose row can not be trusted.',
  }),
});

/** `GET /v1/stats`. */
export const StatsSchema = z.object({
  rows: z.array(
    z.object({
      task: z.string(),
      day: z.iso.date(),
      status: z.enum(JOB_STATUSES),
      jobs: z.int(),
      attempts: z.int(),
      input_tokens: z.int(),
      output_tokens: z.int(),
      cost_usd: z.number().nullable().register(described, { description: 'Sum of the known costs.' }),
      unpriced: z.int().register(described, {
        description: 'Jobs that were attempted and have no known cost; not in the sum.',
      }),
    }),
  ),
});
