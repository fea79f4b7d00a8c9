import type { JobInput } from '../client';
import type { UserError } from '../errors';
import { isTaskName, jobKey } from '../job';

/** A job, or why the message is none, as a sentence that shows nothing of it but its id. */
export type ParsedMessage = { job: JobInput & { task: string } } | { jobId: string | null; fault: string };

const FIELDS = ['job_id', 'task', 'input'];

/**
 * Reads a message's body: `{"job_id": …, "task": …, "input": …}` and nothing else. What SNS delivers to a
 * queue without raw message delivery is unwrapped once.
 *
 * A field too many is a fault, not a field to ignore: it would change nothing, and its sender thinks it does.
 *
 * @see https://docs.aws.amazon.com/sns/latest/dg/sns-message-and-json-formats.html
 */
export function parseMessage(body: string): ParsedMessage {
  const fields = parseObject(body);
  const message = fields && isNotification(fields) ? parseObject(fields.Message) : fields;
  if (!message) return { jobId: null, fault: 'The message is no JSON object.' };
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

function parseObject(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && !Array.isArray(value) ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}

function isNotification(fields: Record<string, unknown>): fields is { Message: string } {
  const { Type, TopicArn, Message } = fields;
  return Type === 'Notification' && typeof TopicArn === 'string' && typeof Message === 'string';
}
