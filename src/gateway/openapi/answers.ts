import { z } from 'zod';
import { RecordSchema } from './record';
import { described } from './registry';

const ProblemSchema = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    code: z.string(),
    job_id: z.string().optional(),
    record: RecordSchema.optional(),
  })
  .register(described, { id: 'Problem', description: 'A problem document (RFC 9457).' });

const PROBLEMS = {
  400: 'The id, the input, the task or the request can not be used.',
  401: 'No key, or a wrong one.',
  403: 'A web page of another origin asks; see Origin.',
  404: 'Nothing is known of this job.',
  409: 'The job is in no state for this.',
  410: 'The job was forgotten; its id stays taken.',
  413: 'The body or the input is over the limit.',
  415: 'The body is not application/json in UTF-8.',
  421: 'Without keys the gateway has loopback names only; see Host.',
  422: 'The id exists with another task or input; the first one stands.',
  429: 'The key has sent more than it may, or as many of its tenant wait as may; see Retry-After.',
  500: 'A fault of the gateway, or a record that can not be read.',
  503: 'Temporal or the store is away; see Retry-After. Trying again is safe.',
};

/** Those that any route may answer with. */
const ANYWHERE = [400, 401, 403, 421, 429, 500, 503] as const;

type Status = keyof typeof PROBLEMS;

const content = (type: string, schema: z.ZodType) => ({ content: { [type]: { schema } } });

/** A route's answers for the API's description: what goes well, and the problems it can meet. */
export function answers(good: Record<number, [what: string, schema: z.ZodType]>, ...problems: Status[]) {
  const described = Object.entries(good).map(([status, [description, schema]]) => [
    status,
    { description, ...content('application/json', schema) },
  ]);
  const refused = [...ANYWHERE, ...problems].map((status) => [
    status,
    { description: PROBLEMS[status], ...content('application/problem+json', ProblemSchema) },
  ]);
  return Object.fromEntries([...described, ...refused]);
}

/** A record: settled, or on its way. */
export function recordAnswers(schema: z.ZodType, ...problems: Status[]) {
  return answers(
    {
      200: ['The job is settled, FAILED included: the body says so.', schema],
      202: ['The job goes on; look again at Location after Retry-After.', schema],
    },
    ...problems,
  );
}

/** `GET /v1/jobs/{job_id}/events`. */
export const EVENT_ANSWERS = {
  ...answers({}, 404, 410),
  200: {
    description: "Events named by the job's status, each with its record; `end` after the last.",
    ...content('text/event-stream', z.string()),
  },
  204: z.undefined().describe('Last-Event-ID names the end of the job: there is nothing to come back for.'),
};

/** `GET /metrics`. */
export const METRICS_ANSWERS = {
  200: { description: 'What this gateway counted, for Prometheus.', ...content('text/plain', z.string()) },
  403: {
    description: 'A gateway with keys serves them on a port of their own.',
    ...content('application/problem+json', ProblemSchema),
  },
};
