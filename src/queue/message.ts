import type { JobInput } from '../client';
import type { UserError } from '../errors';
import { isTaskName, jobKey } from '../job';
import { parseStrictJson, StrictJsonError } from '../strict-json';

/** A job, or why the message is none, as a sentence that shows nothing of it but its id. */
export type ParsedMessage = { job: JobInput & { task: string } } | { jobId: string | null; fault: string };

const FIELDS = ['job_id', 'task', 'input'];

/**
 * Reads a message's body: `{"job_id": …, "task": …, "input": …}` and nothing else. What SNS delivers to a
 * queue without raw message delivery is unwrapped once.
 *
 * A key twice is a fault, and a field too many is one, not a field to ignore: it would change nothing, and its sender thinks it does.
 *
 * @see https://docs.aws.amazon.com/sns/latest/dg/sns-message-and-json-formats.html
 */
export function parseMessage(body: string): ParsedMessage {
  const fields = parseObject(body);
  const message = typeof fields !== 'string' && isNotification(fields) ? parseObject(fields.Message) : fields;
  if (typeof message === 'string') return { jobId: null, fault: message };
  const { job_id: id, task, input } = message;
  if (typeof id !== 'string') return { jobId: null, fault: 'The message has no job_id that is a text.' };
  try {
    jobKey(id);
  } catch (error) {
    return { jobId: id.slice(0, 80), fault: (error as UserError).message };
  }
  if (!isTaskName(task)) return { jobId: id, fault: 'The message has no task that is the name of one.' };
  if (!Object.hasOwn(message, 'input')) return { jobId: id, fault: 'The message has no input.' };
  if (Object.keys(message).some((name) => !FIELDS.includes(name))) {
    return { jobId: id, fault: 'The message has other fields than job_id, task and input.' };
  }
  return { job: { job_id: id, task, input } };
}

/** As strict as the gateway: what two readers may read differently is no job. @returns else why, as a sentence */
function parseObject(text: string): Record<string, unknown> | string {
  let value: unknown;
  try {
    value = parseStrictJson(text);
  } catch (error) {
    if (!(error instanceof StrictJsonError)) throw error;
    return `The message can't be taken: ${error.message}.`;
  }
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
  return isObject ? (value as Record<string, unknown>) : 'The message is no JSON object.';
}

function isNotification(fields: Record<string, unknown>): fields is { Message: string } {
  const { Type, TopicArn, Message } = fields;
  return Type === 'Notification' && typeof TopicArn === 'string' && typeof Message === 'string';
}
