import type { Command } from 'commander';
import { JobNotFoundError } from '../../errors';
import { isSettled, type JobRecord, jobKey } from '../../job';
import { type ClientOptions, withJobs } from '../context';
import { exitCodeOfRecord } from '../exit-codes';
import { InterruptedError } from '../fail';
import { addClientOptions, addEpilogue, timeoutOption } from '../help';
import { takeInterrupts } from '../interrupt';
import { isForPeople, printJson, printText } from '../output';
import { describeRecord } from '../record-text';

interface StatusOptions extends ClientOptions {
  wait?: boolean;
  timeout?: number;
}

/** `status ID`: the record, and an exit code that tells how the job is. */
export function addStatus(program: Command): void {
  const command = program
    .command('status')
    .summary("a job's record")
    .description("Prints a job's record. The exit code tells how the job is.")
    .argument('<job-id>')
    .option('--wait', 'wait until the job is settled or needs a decision')
    .addOption(timeoutOption('with --wait: give up waiting after so long, e.g. 30s'))
    .action(showStatus);
  addEpilogue(
    addClientOptions(command),
    ['infer-once status film-1', 'infer-once status film-1 --wait --timeout 5m'],
    [0, 1, 2, 3, 5, 6, 7],
    ['An id that nothing is known of ends with 2.'],
  );
}

async function showStatus(id: string, options: StatusOptions): Promise<void> {
  jobKey(id);
  const interrupt = takeInterrupts();
  await withJobs(options, async ({ jobs, reachTemporal }) => {
    const known = await jobs.get(id);
    if (!known) throw new JobNotFoundError(id);
    if (options.wait && !isSettled(known.status)) await reachTemporal();
    const wait = { timeoutMs: options.timeout, signal: interrupt.signal };
    const record = options.wait
      ? await jobs.wait(id, wait).catch((error: { record?: JobRecord }) => {
          if (interrupt.signal.aborted) throw new InterruptedError(interrupt.by, 'Stopped waiting.');
          // however it ended, the record tells it
          if (error.record) return error.record;
          throw error;
        })
      : known;
    if (isForPeople(options)) printText(describeRecord(record));
    else printJson(record);
    process.exitCode = exitCodeOfRecord(record);
  });
}
