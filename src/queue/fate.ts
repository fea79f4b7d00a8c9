import { firstLine, refusalOfTemporal } from '../client/refusal';
import { InvalidInputError, UnreachableError, UserError } from '../errors';

/**
 * Why a submission failed: `poison` is the message's own fault, which no redelivery mends; `passing` is a
 * part's, and any other message would meet it too. `why` is a sentence without anything of the input.
 */
export interface Failure {
  kind: 'poison' | 'passing';
  code: string;
  why: string;
}

/** Judges what `JobClient.submit` threw. */
export function judgeFailure(error: unknown): Failure {
  if (error instanceof UnreachableError) return { kind: 'passing', code: error.code, why: error.message };
  if (error instanceof InvalidInputError) {
    // the error's own words name the place in the input
    const why = `The input of job ${error.jobId} can't be used: it has an integer beyond 2^53 or a lone surrogate, or is nested too deep.`;
    return { kind: 'poison', code: error.code, why };
  }
  // also a row that is damaged: one job's, and the others go on
  if (error instanceof UserError) return { kind: 'poison', code: error.code, why: error.message };
  const refusal = refusalOfTemporal(error);
  if (refusal) {
    const kind = refusal.isOfRequest ? 'poison' : 'passing';
    return { kind, code: 'temporal_refused', why: refusal.message };
  }
  // a fault of ours that this message brings out must not hold up the others; its words may hold anything
  const name = error instanceof Error ? error.name : 'unknown';
  return {
    kind: 'poison',
    code: 'bug',
    why: `This should not happen (${firstLine(name)}). Please report it.`,
  };
}
