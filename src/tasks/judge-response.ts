import { type Judgement, readOutput } from './judge';
import type { Task } from './task';

/** The parts of a response that a judgement looks at; each may be missing, since providers differ. */
export interface LooseResponse {
  status?: unknown;
  incomplete_details?: { reason?: unknown } | null;
  output?: Array<{
    type?: unknown;
    content?: Array<{ type?: unknown; text?: unknown; refusal?: unknown } | null> | null;
  } | null> | null;
}

/**
 * Judges an answer of the Responses API against a task, as `judgeCompletion` does one of Chat Completions.
 * Pure; never throws. Messages name what is wrong and where, never the content.
 *
 * @param response - a response that the provider counts as an answer: `completed` or `incomplete`
 */
export function judgeResponse(task: Task, response: unknown): Judgement {
  if (task.endpoint) return { result: response };
  const { status, incomplete_details, output } = (response ?? {}) as LooseResponse;
  const parts = (Array.isArray(output) ? output : [])
    .filter((item) => item?.type === 'message')
    .flatMap((item) => item?.content ?? []);
  const texts = parts.flatMap((part) => (typeof part?.text === 'string' ? [part.text] : []));
  const refusal = parts.map((part) => part?.refusal).find((text) => typeof text === 'string' && text !== '');
  const text = texts.join('');
  const raw = text === '' ? (JSON.stringify(response) ?? '') : text;
  const bad = (code: 'truncated' | 'refused' | 'output_invalid', message: string, said = raw): Judgement => ({
    error: { code, message },
    raw: said,
  });

  if (typeof refusal === 'string') return bad('refused', 'The model refused to answer.', refusal);
  const reason = incomplete_details?.reason;
  if (reason === 'content_filter') {
    return bad('refused', "The provider's content filter stopped the answer.");
  }
  if (status === 'incomplete') {
    return reason === 'max_output_tokens'
      ? bad('truncated', 'The answer was cut off at the token limit; raise max_completion_tokens.')
      : bad('truncated', 'The answer is incomplete.');
  }
  if (texts.length === 0) return bad('output_invalid', 'The answer has no text.');

  const judged = readOutput(task, text);
  return 'fault' in judged ? bad('output_invalid', judged.fault) : judged;
}
