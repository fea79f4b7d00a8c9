import { open, stat } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import type { Command } from 'commander';
import { ConfigError } from '../../errors';
import { type Line, splitLines } from '../batch/lines';
import { openOutput } from '../batch/output-file';
import { type LineEnd, runJobs } from '../batch/run-jobs';
import { PRECEDENCE, Tally } from '../batch/tally';
import { type ClientOptions, checkTask, withJobs } from '../context';
import { InterruptedError, say } from '../fail';
import { addClientOptions, addEpilogue, timeoutOption, wholeNumberOption } from '../help';
import { fileFault } from '../input';
import { takeInterrupts } from '../interrupt';
import { cleanText } from '../output';
import { startProgress } from '../progress';

interface BatchCliOptions extends ClientOptions {
  out?: string;
  idField?: string;
  concurrency: number;
  timeout?: number;
}

/** Faults shown on stderr; the output has all of them. */
const SHOWN_FAULTS = 20;

/** `batch TASK FILE.jsonl`: one job a line. */
export function addBatch(program: Command): void {
  const command = program
    .command('batch')
    .summary('one job a line of a file; run again, it pays only for what is missing')
    .description(
      'Runs one job for each line of a file, {"job_id": …, "input": …}, and writes one record a line, in the order in which they end. Run again, it pays only for what is missing.',
    )
    .argument(
      '<task>',
      'a built-in task (enrich, prompt, chat.completions, responses) or one of INFER_ONCE_TASKS',
    )
    .argument('<file>', 'JSON, an object a line; - for stdin')
    .option('--out <file>', 'where the records go; default stdout')
    .option('--id-field <field>', "the whole line is the input, and this field of it the job's id")
    .option('--concurrency <n>', 'jobs waited for at once', wholeNumberOption(1, 1000), 50)
    .addOption(timeoutOption('give up waiting for one job after so long, e.g. 10m; it goes on'))
    .action(batch);
  addEpilogue(
    addClientOptions(command),
    [
      'infer-once batch enrich films.jsonl --out enriched.jsonl',
      'infer-once batch enrich films.jsonl --id-field imdb_id --out enriched.jsonl',
    ],
    [0, 1, 2, 3, 4, 5, 6, 7],
    [
      `Where lines end differently, the exit code is the first of ${PRECEDENCE.join(', ')} that one had.`,
      'A line that is no job, or a job without a record, gives {"line", "job_id", "error"}; it stops no other.\nThe output is written as FILE.partial and takes its name at the end; Ctrl-C leaves FILE as it was.\nOf two lines with one id the first stands; another input in the second is a mismatch.',
    ],
  );
}

async function batch(task: string, file: string, options: BatchCliOptions): Promise<void> {
  await checkTask(task);
  const interrupt = takeInterrupts();
  const input = await openInput(file);
  const { idField, concurrency, timeout: timeoutMs } = options;
  const closeInput = () => void input.stream.destroy();
  const tally = new Tally();
  await withJobs(
    options,
    async ({ jobs, reachTemporal }) => {
      const output = await openOutput(options.out, file);
      // of the file rather than of its lines: nobody has to read it twice to count them
      const extent = input.bytes === undefined ? undefined : { done: 0, whole: input.bytes };
      const progress = startProgress(tally, extent);
      let faults = 0;
      const onEnd = async (end: LineEnd, { size }: Line) => {
        tally.add(end.exitCode, end.replayed);
        if (extent) extent.done += size;
        await output.write(`${JSON.stringify(end.output)}\n`);
        if (end.sentence && faults < SHOWN_FAULTS)
          progress.note(`line ${end.line}: ${cleanText(end.sentence)}`);
        if (end.sentence) faults += 1;
        if (faults === SHOWN_FAULTS) progress.note('More faults are only in the output.');
      };
      const jobOptions = {
        jobs,
        reachTemporal,
        task,
        idField,
        concurrency,
        timeoutMs,
        signal: interrupt.signal,
        closeInput,
      };
      try {
        await runJobs(splitLines(input.stream), jobOptions, onEnd);
      } catch (error) {
        progress.stop();
        const partial = await output.abandon();
        say(
          `${tally}${partial ? `; their records are in ${partial}` : ''}. Run it again: it pays only for what is missing.`,
        );
        throw error;
      }
      progress.stop();
      if (interrupt.signal.aborted) {
        const partial = await output.abandon();
        throw new InterruptedError(
          interrupt.by,
          `Stopped: ${tally}${partial ? `; their records are in ${partial}` : ''}. Jobs under way go on. Run it again: it pays only for what is missing.`,
        );
      }
      await output.finish();
      process.stderr.write(`${tally}\n`);
      process.exitCode = tally.exitCode;
    },
    { creates: true },
  );
}

/** The stream, and how long it is where that is known beforehand. */
async function openInput(file: string): Promise<{ stream: Readable; bytes?: number }> {
  if (file === '-') return { stream: process.stdin };
  try {
    const about = await stat(file);
    if (about.isDirectory()) throw new ConfigError(`${file} is a folder; name a file, or - for stdin.`);
    const bytes = about.isFile() ? about.size : undefined;
    return { stream: (await open(file)).createReadStream(), bytes };
  } catch (cause) {
    if (cause instanceof ConfigError) throw cause;
    throw new ConfigError(`File ${JSON.stringify(file)} can't be read: ${fileFault(cause)}.`, cause);
  }
}
