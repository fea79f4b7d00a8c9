import type { Answered, AnswerFacts, BadAnswer } from '../once/outcome';
import type { Judgement } from '../tasks/judge';

/** The largest result of a job, as JSON: as much as an input may have. */
export const RESULT_LIMIT_BYTES = 20 * 1024 * 1024;

/**
 * The outcome of an answer that was judged. A result over {@link RESULT_LIMIT_BYTES} was paid for as any other, and is
 * kept whole as raw text; no reader of the record has to take it.
 */
export function judgedOutcome(judgement: Judgement, facts: AnswerFacts): Answered | BadAnswer {
  if ('error' in judgement) return { kind: 'bad_answer', ...judgement, ...facts };
  const json = JSON.stringify(judgement.result);
  const bytes = Buffer.byteLength(json);
  if (bytes <= RESULT_LIMIT_BYTES) return { kind: 'answered', ...judgement, ...facts };
  const message = `The result has ${bytes} bytes as JSON, over the limit of ${RESULT_LIMIT_BYTES}; ask for less.`;
  return { kind: 'bad_answer', error: { code: 'too_large', message }, raw: json, ...facts };
}
