import type { Command } from 'commander';
import { formatDuration } from '../../duration';
import { JobTimeoutError } from '../../errors';
import { isSettled, type JobRecord, jobKey } from '../../job';
import { type ClientOptions, checkTask, withJobs } from '../context';
import { InterruptedError } from '../fail';
import { addClientOptions, addEpilogue, timeoutOption } from '../help';
import { readInput } from '../input';
import { takeInterrupts } from '../interrupt';
import { isForPeople, prettyJson, printJson, printText } from '../output';
import { describeOutcome } from '../record-text';
import { tellWhyWaiting } from '../tell-waiting';

interface RunOptions extends ClientOptions {
  id: string;
  input: string;
  timeout?: number;
}

/** `run TASK --id ID --input …`: submits, waits, prints the result. */
export function addRun(program: Command): void {
  const command = program
    .command('run')
    .summary('submit a job and wait; the result on stdout')
    .description(
      'Submits a job and waits for its result, which goes to stdout as JSON; with --json the whole record does. The same id with the same input never calls twice: it joins, or tells what is on record.',
    )
    .argument(
      '<task>',
      'a built-in task (enrich, prompt, chat.completions, responses) or one of INFER_ONCE_TASKS',
    )
    .requiredOption('--id <job-id>', "the job's id, its idempotency key")
    .requiredOption('--input <json>', 'the input: JSON, @FILE, or - for stdin')
    .addOption(timeoutOption('give up waiting after so long, e.g. 30s; the job goes on'))
    .action(run);
  addEpilogue(
    addClientOptions(command),
    [
      'infer-once run enrich --id film-1 --input \'{"title": "alien (1979)"}\'',
      'infer-once run prompt --id note-7 --input @note.json --timeout 2m',
    ],
    [0, 1, 2, 3, 4, 5, 6, 7],
  );
}

async function run(task: string, options: RunOptions): Promise<void> {
  const { id, timeout: timeoutMs } = options;
  jobKey(id);
  const input = await readInput(options.input);
  await checkTask(task);
  const interrupt = takeInterrupts();
  await withJobs(
    options,
    async ({ jobs, reachTemporal }) => {
      const before = await jobs.get(id);
      if (!before || !isSettled(before.status)) await reachTemporal();
      const stopTelling = tellWhyWaiting(jobs, id);
      try {
        const record = await jobs.run({ job_id: id, task, input }, { timeoutMs, signal: interrupt.signal });
        printResult(record as JobRecord, before?.token === record.token, options);
      } catch (error) {
        const { record } = error as { record?: JobRecord };
        if (record && options.json) printJson(record);
        if (error instanceof JobTimeoutError) throw inWords(error, timeoutMs!);
        if (!interrupt.signal.aborted) throw error;
        throw new InterruptedError(
          interrupt.by,
          `Stopped waiting; job ${id} goes on: infer-once status ${id} shows it.`,
        );
      } finally {
        stopTelling();
      }
    },
    { creates: true },
  );
}

function printResult(record: JobRecord, replayed: boolean, options: RunOptions): void {
  if (options.json) printJson({ ...record, created: undefined, replayed });
  else if (!isForPeople(options)) printJson(record.result);
  else {
    printText(prettyJson(record.result));
    process.stderr.write(`${describeOutcome(record, replayed)}\n`);
  }
}

/** The time as the user wrote it, not in milliseconds. */
function inWords(error: JobTimeoutError, timeoutMs: number): JobTimeoutError {
  error.message = error.message.replace(`${timeoutMs} ms`, formatDuration(timeoutMs));
  return error;
}
