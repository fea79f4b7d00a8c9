import { writeFileSync } from 'node:fs';
import { Interrupted, takeInterrupts } from '../../src/dev/demo/interrupt';
import { ConfigError, UserError } from '../../src/errors';
import { describeMachine } from '../report/machine';
import { Scope } from './scope';

/**
 * Runs a command of the bench to its exit code: what it gives (nothing = 0), 130 or 143 where it was interrupted, 2
 * for a wrong use, 1 for another fault. What it opened in its scope is ended before, whatever happens.
 *
 * @param work - `stop` aborts at the first Ctrl-C with an {@link Interrupted}; a second one ends all at once
 */
export function runCommand(work: (scope: Scope, stop: AbortSignal) => Promise<number | undefined>): void {
  const stop = takeInterrupts();
  const scope = new Scope();
  // of work that has lost what it worked with
  stop.addEventListener('abort', () => process.on('unhandledRejection', () => undefined), { once: true });
  void (async () => {
    let code = 0;
    try {
      code = (await work(scope, stop)) ?? 0;
    } catch (error) {
      code = tell(error);
    }
    try {
      await scope.end();
    } catch (error) {
      code ||= tell(error);
    }
    process.exit(code);
  })();
}

/** A sentence for what people can mend; only a fault of the bench itself has a stack. */
function tell(error: unknown): number {
  if (error instanceof Interrupted) {
    console.error('Stopped before the end; there are no figures.');
    return error.exitCode;
  }
  console.error(error instanceof UserError ? error.message : error);
  return error instanceof ConfigError ? 2 : 1;
}

/** Writes figures with their date and machine as JSON: into a file, or without one to stdout. */
export function writeFigures(file: string | undefined, figures: object): void {
  const told = { date: new Date().toISOString(), machine: describeMachine(), ...figures };
  const text = `${JSON.stringify(told, null, 2)}\n`;
  if (file) writeText(file, text);
  else process.stdout.write(text);
}

/** @throws UserError in a sentence: a disk may have filled up since the file was found to be one that can be written */
export function writeText(file: string, text: string): void {
  try {
    writeFileSync(file, text);
  } catch (cause) {
    const why = (cause as NodeJS.ErrnoException).code;
    throw new UserError(`${file} can't be written (${why}).`, { code: 'bench_file', cause });
  }
}
