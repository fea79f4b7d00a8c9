import { z } from 'zod';
import { JOB_STATUSES } from '../../job';
import { MAX_WAIT_S } from '../http/prefer';

/** Checked by `jobKey`, with a sentence that shows the grammar. */
export const JobParams = z.object({ job_id: z.string().describe('The job’s id: its idempotency key.') });

const wait = z.coerce
  .number()
  .int()
  .min(0)
  .max(MAX_WAIT_S)
  .optional()
  .describe('Wait up to so many seconds for the job to settle.');

export const WaitQuery = z.strictObject({ wait });

export const Submission = z.strictObject({
  task: z.string().describe('The task’s name, e.g. enrich.'),
  input: z.unknown().refine((input) => input !== undefined, 'is missing'),
});

export const ListQuery = z.strictObject({
  status: z.enum(JOB_STATUSES).optional(),
  task: z.string().optional(),
  limit: z.coerce.number().int().min(1).max(1000).optional(),
  cursor: z.string().optional(),
});

export const Decision = z.strictObject({
  action: z.enum(['rerun', 'adopt', 'adopt_late', 'abandon']),
  doubt: z
    .int()
    .describe('The token of the doubt that the record showed; an old decision answers no new doubt.'),
  by: z.string().max(255).optional().describe('Who decides; kept in the record.'),
  result: z.unknown().optional().describe('With adopt: the result, checked against the task’s schema.'),
});
