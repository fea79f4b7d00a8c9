import { z } from 'zod';
import { JOB_STATUSES } from '../../job';
import { MAX_WAIT_S } from '../http/prefer';
import { described, JsonInput, wholeNumber } from '../openapi/registry';

const ID = '[A-Za-z0-9][A-Za-z0-9._:~@+-]{0,254}';

/** Checked by `jobKey`, with a sentence that shows the grammar. */
const jobId = z.string().register(described, {
  description: "The job's id: its idempotency key.",
  pattern: `^${ID}$`,
});

export const JobParams = z.object({ job_id: jobId });

export const WaitQuery = z.strictObject({
  wait: wholeNumber(0, MAX_WAIT_S, 'Wait up to so many seconds for the job to settle.'),
});

/** `after` is what `Location` has where a settled job is run again. */
export const ReadQuery = WaitQuery.extend({
  after: wholeNumber(
    0,
    999_999_999,
    'The token of a settled record that is no answer: its job was opened again, and goes on.',
  ),
});

/** Described only: headers are read by functions of their own. */
export const PreferHeader = z.object({
  prefer: z
    .string()
    .optional()
    .register(described, { description: 'RFC 7240, e.g. wait=30; ?wait= goes before it.' }),
});

export const KeyHeader = PreferHeader.extend({
  'idempotency-key': z.string().register(described, {
    description: 'The job_id, bare or quoted.',
    pattern: `^(${ID}|"${ID}")$`,
  }),
});

/** What is submitted; `task` is one of those that this process knows. */
export function submissionOf(tasks: string[]) {
  const task = z.string().register(described, { enum: tasks, description: "The task's name." });
  return z.strictObject({ task, input: JsonInput }).register(described, { id: 'Submission' });
}

export type Submission = z.infer<ReturnType<typeof submissionOf>>;

export const ListQuery = z.strictObject({
  status: z.enum(JOB_STATUSES).optional(),
  task: z.string().optional(),
  limit: wholeNumber(1, 1000, 'How many records a page has; default 100.'),
  cursor: z
    .string()
    .optional()
    .register(described, { description: 'From the page before; any other text is refused.' }),
});

export const Decision = z
  .strictObject({
    action: z.enum(['rerun', 'adopt', 'adopt_late', 'abandon']),
    doubt: z.int().register(described, {
      description: 'The token of the doubt that the record showed; an old decision answers no new doubt.',
    }),
    by: z
      .string()
      .max(255)
      .optional()
      .register(described, { description: 'Who decides; kept in the record.' }),
    result: z.unknown().optional().register(described, {
      description: "With adopt: the result, checked against the task's schema.",
    }),
  })
  .register(described, { id: 'Decision' });
