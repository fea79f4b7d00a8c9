import type { JobInput } from '../../client';
import type { UserError } from '../../errors';
import { jobKey } from '../../job';
import { tryParseJson } from '../input';
import type { Line } from './lines';

/** How to read a line. */
export interface LineForm {
  task: string;
  /** The field of the input that is the id; undefined = the line is `{job_id, input}`. */
  idField?: string;
}

/** A job, or why the line is none, as a sentence. */
export type JobLine = { job: JobInput } | { jobId: string | null; fault: string };

/** Reads one line of a batch; never shows what it holds. */
export function parseJobLine({ bytes }: Line, { task, idField }: LineForm): JobLine {
  const parsed = tryParseJson(bytes);
  if ('fault' in parsed) return { jobId: null, fault: `The line ${parsed.fault}.` };
  const { value } = parsed;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return { jobId: null, fault: 'The line is no JSON object.' };
  }
  const fields = value as Record<string, unknown>;
  const name = idField ?? 'job_id';
  const id = Object.hasOwn(fields, name) ? idOf(fields[name]) : null;
  if (id === null) return { jobId: null, fault: `The line has no ${name} that is a text or a whole number.` };
  try {
    jobKey(id);
  } catch (error) {
    return { jobId: id.slice(0, 80), fault: (error as UserError).message };
  }
  if (idField !== undefined) return { job: { job_id: id, task, input: fields } };
  const refuse = (fault: string) => ({ jobId: id, fault });
  if (!Object.hasOwn(fields, 'input')) {
    return refuse('The line has no input; where the whole line is the input, pass --id-field job_id.');
  }
  if (fields.task !== undefined && fields.task !== task) {
    return refuse(`The line is for another task than ${task}.`);
  }
  return { job: { job_id: id, task, input: fields.input } };
}

function idOf(value: unknown): string | null {
  if (Number.isSafeInteger(value)) return String(value);
  return typeof value === 'string' ? value : null;
}
