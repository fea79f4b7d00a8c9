import { setTimeout as delay } from 'node:timers/promises';
import { UserError } from '../../errors';
import { EXIT, exitCodeOf } from '../exit-codes';
import { cleanText } from '../output';

/** What one look at a part gave. */
export interface Finding {
  part: string;
  isOk: boolean;
  /** What is there, or what is wrong and what to do. */
  text: string;
  /** What a fault is worth as an exit code; 0 where it is none. */
  exitCode: number;
}

/** A container's health check ends after ten seconds; this leaves room to start and to say it. */
const LIMIT_MS = 6_000;

/**
 * Looks at one part.
 *
 * @param look - returns what is there; throws a UserError that says what is wrong and what to do
 */
export async function check(part: string, look: (signal: AbortSignal) => Promise<string>): Promise<Finding> {
  const over = new AbortController();
  const limit = delay(LIMIT_MS, undefined, { signal: over.signal }).then(() => {
    throw new UserError(`it does not answer within ${LIMIT_MS / 1000} s.`, { code: 'temporal_refused' });
  });
  limit.catch(() => undefined);
  try {
    return { part, isOk: true, text: await Promise.race([look(over.signal), limit]), exitCode: EXIT.done };
  } catch (error) {
    if (error instanceof UserError)
      return { part, isOk: false, text: error.message, exitCode: exitCodeOf(error) };
    const { details, message } = error as { details?: string; message?: string };
    return { part, isOk: false, text: details ?? message ?? String(error), exitCode: EXIT.unreachable };
  } finally {
    over.abort();
  }
}

/** One line: `ok  store: …` or `!!  store: …`. */
export function describeFinding({ part, isOk, text }: Finding): string {
  return `${isOk ? 'ok' : '!!'}  ${part}: ${cleanText(text)}`;
}

/** What is wrong in the configuration comes first: it does not go away by waiting. */
export function worstExitCode(findings: Finding[]): number {
  const codes = findings.map(({ exitCode }) => exitCode);
  return codes.find((code) => code === EXIT.usage) ?? codes.find((code) => code !== EXIT.done) ?? EXIT.done;
}
