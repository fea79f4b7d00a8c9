import type { Command } from 'commander';
import { type JobError, JobInDoubtError, WrongStateError } from '../../errors';
import { jobKey } from '../../job';
import { type ClientOptions, withJobs } from '../context';
import { exitCodeOfRecord } from '../exit-codes';
import { InterruptedError, say } from '../fail';
import { addClientOptions, addEpilogue, timeoutOption } from '../help';
import { takeInterrupts } from '../interrupt';
import { isForPeople, printJson, printText } from '../output';
import { describeRecord } from '../record-text';

interface RetryOptions extends ClientOptions {
  wait?: boolean;
  timeout?: number;
}

/** `retry ID`: runs a failed or canceled job again. */
export function addRetry(program: Command): void {
  const command = program
    .command('retry')
    .summary('run a failed or canceled job again')
    .description(
      'Runs a failed or canceled job again, even where its call was paid for. A completed job answers with its record, a running one is joined, one in doubt is refused: use resolve.',
    )
    .argument('<job-id>')
    .option('--wait', 'wait for the answer; the exit code tells how it ended')
    .addOption(timeoutOption('with --wait: give up waiting after so long, e.g. 30s'))
    .action(retry);
  addEpilogue(
    addClientOptions(command),
    ['infer-once retry film-1', 'infer-once retry film-1 --wait --timeout 2m'],
    [0, 1, 2, 3, 5, 6, 7],
  );
}

async function retry(id: string, options: RetryOptions): Promise<void> {
  jobKey(id);
  const interrupt = takeInterrupts();
  await withJobs(options, async ({ jobs, reachTemporal }) => {
    await reachTemporal();
    const wait = options.wait && { timeoutMs: options.timeout, signal: interrupt.signal };
    const record = await jobs.retry(id, wait || undefined).catch((error: JobError) => {
      if (interrupt.signal.aborted) {
        throw new InterruptedError(interrupt.by, `Stopped waiting; job ${id} goes on.`);
      }
      const { record: known } = error;
      if (error instanceof WrongStateError && known?.status === 'IN_DOUBT') {
        // one that still goes on by itself needs no decision yet
        if (!known.doubt?.recovering) throw new JobInDoubtError(known);
        say(
          `Job ${id} is in doubt, and the provider is being asked; look again with infer-once status ${id}.`,
        );
        process.exitCode = exitCodeOfRecord(known);
        return known;
      }
      if (wait && known && !(error instanceof WrongStateError)) return known;
      throw error;
    });
    if (isForPeople(options)) printText(describeRecord(record));
    else printJson(record);
    if (wait) process.exitCode = exitCodeOfRecord(record);
  });
}
