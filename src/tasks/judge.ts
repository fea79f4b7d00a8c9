import type { JobErrorCode } from '../job';
import { describeIssue } from './check';
import type { Task } from './task';

/** What a completion is worth to a task: its result, or why it has none and the text that was paid for. */
export type Judgement =
  | { result: unknown }
  | {
      error: { code: Extract<JobErrorCode, 'truncated' | 'refused' | 'output_invalid'>; message: string };
      raw: string;
    };

/** The parts of a completion that a judgement looks at; each may be missing, since providers differ. */
interface LooseCompletion {
  choices?: Array<{
    finish_reason?: string | null;
    message?: { content?: unknown; refusal?: string | null } | null;
  } | null> | null;
}

/**
 * Judges a completion against a task. Pure; never throws. Messages name what is wrong and where, never the
 * content, which travels in `raw` alone.
 *
 * @param completion - the provider's answer as parsed JSON, of any shape
 * @returns `result` as plain JSON (null, '' and [] are results), or the error with the raw text
 *
 * @example
 * judgeCompletion(task, { choices: [{ finish_reason: 'stop', message: { content: '{"text":"hi"}' } }] })
 * // { result: { text: 'hi' } }
 */
export function judgeCompletion(task: Task, completion: unknown): Judgement {
  if (task.endpoint) return { result: completion };
  const choice = (completion as LooseCompletion | null)?.choices?.[0];
  const content = choice?.message?.content;
  const refusal = choice?.message?.refusal;
  const raw = typeof content === 'string' && content !== '' ? content : (JSON.stringify(completion) ?? '');
  const bad = (code: 'truncated' | 'refused' | 'output_invalid', message: string, text = raw): Judgement => ({
    error: { code, message },
    raw: text,
  });

  if (!choice?.message) return bad('output_invalid', 'The answer has no message.');
  if (refusal) return bad('refused', 'The model refused to answer.', refusal);
  if (choice.finish_reason === 'content_filter') {
    return bad('refused', "The provider's content filter stopped the answer.");
  }
  if (choice.finish_reason === 'length') {
    return bad('truncated', 'The answer was cut off at the token limit; raise max_completion_tokens.');
  }
  if (typeof content !== 'string') return bad('output_invalid', 'The answer has no text.');

  const judged = readOutput(task, content);
  return 'fault' in judged ? bad('output_invalid', judged.fault) : judged;
}

/** What the task's parser and schema make of an answer's text. */
export function readOutput(task: Task, content: string): { result: unknown } | { fault: string } {
  let value: unknown;
  try {
    value = task.parse ? task.parse(content) : JSON.parse(content);
  } catch {
    // The error's message would quote the content.
    return {
      fault: task.parse ? "The task's parse function threw on the answer." : 'The answer is not JSON.',
    };
  }
  try {
    const checked = task.output.safeParse(value);
    if (!checked.success) {
      return {
        fault: `The answer does not fit the task's output ${describeIssue(checked.error.issues[0])}.`,
      };
    }
    const json = JSON.stringify(checked.data);
    return json === undefined ? { fault: 'The output schema gave nothing.' } : { result: JSON.parse(json) };
  } catch {
    return { fault: 'The output schema threw, or gave what JSON has no form for.' };
  }
}
