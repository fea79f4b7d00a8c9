import type { Command } from 'commander';
import { isSettled, jobKey } from '../../job';
import { type ClientOptions, withJobs } from '../context';
import { EXIT } from '../exit-codes';
import { say } from '../fail';
import { addClientOptions, addEpilogue, timeoutOption } from '../help';
import { isForPeople, printJson, printText } from '../output';
import { describeRecord } from '../record-text';

interface CancelOptions extends ClientOptions {
  timeout?: number;
}

/** `cancel ID`. */
export function addCancel(program: Command): void {
  const command = program
    .command('cancel')
    .summary('cancel a job')
    .description(
      'Cancels a job and prints its record. In mid-call the request is aborted, which un-bills nothing; a completed job stays as it is.',
    )
    .argument('<job-id>')
    .addOption(timeoutOption('wait so long for the worker to write it; default 10s'))
    .action(cancel);
  addEpilogue(
    addClientOptions(command),
    ['infer-once cancel film-1'],
    [0, 2, 3, 6],
    [
      'Exit 0 where the job is settled now, 3 where the cancel is on its way and no worker has written it yet.',
    ],
  );
}

async function cancel(id: string, options: CancelOptions): Promise<void> {
  jobKey(id);
  await withJobs(options, async ({ jobs, reachTemporal }) => {
    await reachTemporal();
    const record = await jobs.cancel(id, options.timeout === undefined ? {} : { timeoutMs: options.timeout });
    if (isForPeople(options)) printText(describeRecord(record));
    else printJson(record);
    if (record.status === 'COMPLETED') say(`Job ${id} had completed; its result stands.`);
    if (isSettled(record.status)) return;
    say(`The cancel of job ${id} is on its way; no worker has written it yet.`);
    process.exitCode = EXIT.notInTime;
  });
}
