#!/usr/bin/env node
import { EXIT } from './exit-codes';
import { fail, say } from './fail';
import { fileFault } from './input';
import { buildProgram } from './program';

/** Waits until what was written is out, then ends, whatever is still open. */
async function end(code: number): Promise<never> {
  for (const stream of [process.stdout, process.stderr]) {
    await new Promise<void>((done) => stream.write('', () => done()));
  }
  process.exit(code);
}

process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  // a reader that has seen enough, such as head, is no fault: end as programs do on SIGPIPE
  if (error.code === 'EPIPE') process.exit(141);
  say(`stdout can't be written: ${fileFault(error)}.`);
  process.exit(EXIT.usage);
});
// nobody is left to tell
process.stderr.on('error', () => undefined);

buildProgram()
  .parseAsync()
  .then(
    () => end(Number(process.exitCode ?? 0)),
    (error: unknown) => end(fail(error)),
  );
