#!/usr/bin/env node
import { fail } from './fail';
import { buildProgram } from './program';

/** Waits until what was written is out, then ends, whatever is still open. */
async function end(code: number): Promise<never> {
  for (const stream of [process.stdout, process.stderr]) {
    await new Promise<void>((done) => stream.write('', () => done()));
  }
  process.exit(code);
}

// a reader that has seen enough, such as head, is no fault: end as programs do on SIGPIPE
process.stdout.on('error', () => process.exit(141));

buildProgram()
  .parseAsync()
  .then(
    () => end(Number(process.exitCode ?? 0)),
    (error: unknown) => end(fail(error)),
  );
