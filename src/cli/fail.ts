import { CommanderError } from 'commander';
import { firstLine, refusalOfTemporal } from '../client/refusal';
import { UserError } from '../errors';
import { EXIT, exitCodeOf } from './exit-codes';
import { cleanText } from './output';

/** The user stopped the program; 130 for Ctrl-C and 143 for SIGTERM, as shells have it. */
export class InterruptedError extends Error {
  constructor(
    readonly signal: 'SIGINT' | 'SIGTERM',
    message: string,
  ) {
    super(message);
  }

  get exitCode(): number {
    return this.signal === 'SIGINT' ? 130 : 143;
  }
}

/** A line for people on stderr, in the program's name. */
export function say(sentence: string): void {
  process.stderr.write(`infer-once: ${cleanText(sentence)}\n`);
}

/** Says in one sentence what went wrong. @returns the exit code */
export function fail(error: unknown): number {
  if (error instanceof CommanderError) {
    // commander has said it
    return error.exitCode === 0 ? EXIT.done : EXIT.usage;
  }
  if (error instanceof InterruptedError) {
    say(error.message);
    return error.exitCode;
  }
  if (error instanceof UserError) {
    say(error.message);
    return exitCodeOf(error);
  }
  const refusal = refusalOfTemporal(error);
  if (refusal) {
    say(refusal.message);
    return EXIT.unreachable;
  }
  say(
    `This should not happen (${firstLine(error)}). Please report it, with what you ran; INFER_ONCE_LOG_LEVEL=debug shows more.`,
  );
  if (/^(debug|trace)$/.test(process.env.INFER_ONCE_LOG_LEVEL ?? '')) console.error(error);
  return EXIT.bug;
}
