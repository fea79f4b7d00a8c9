import type { Command } from 'commander';
import { isSettled, jobKey } from '../../job';
import { type ClientOptions, checkTask, withJobs } from '../context';
import { EXIT, exitCodeOfRecord } from '../exit-codes';
import { addClientOptions, addEpilogue } from '../help';
import { readInput } from '../input';
import { isForPeople, printJson, printText } from '../output';
import { describeRecord } from '../record-text';

interface SubmitOptions extends ClientOptions {
  id: string;
  input: string;
}

/** `submit TASK --id ID --input …`: submits and prints the record as it is then. */
export function addSubmit(program: Command): void {
  const command = program
    .command('submit')
    .summary('submit a job without waiting')
    .description('Submits a job and prints its record as it is then, with created and replayed.')
    .argument(
      '<task>',
      'a built-in task (enrich, prompt, chat.completions, responses) or one of INFER_ONCE_TASKS',
    )
    .requiredOption('--id <job-id>', "the job's id, its idempotency key")
    .requiredOption('--input <json>', 'the input: JSON, @FILE, or - for stdin')
    .action(submit);
  addEpilogue(
    addClientOptions(command),
    ['infer-once submit enrich --id film-1 --input \'{"title": "alien (1979)"}\''],
    [0, 1, 2, 4, 5, 6, 7],
    [
      'A job that was settled before is told from its record (exit 1 where it had failed); retry runs it again.',
    ],
  );
}

async function submit(task: string, options: SubmitOptions): Promise<void> {
  jobKey(options.id);
  const input = await readInput(options.input);
  await checkTask(task);
  await withJobs(
    options,
    async ({ jobs, reachTemporal }) => {
      const before = await jobs.get(options.id);
      if (!before || !isSettled(before.status)) await reachTemporal();
      const answer = await jobs.submit({ job_id: options.id, task, input });
      if (isForPeople(options)) {
        const how = answer.created ? 'started' : answer.replayed ? 'told from its record' : 'joined';
        printText(`${describeRecord(answer)}\n  ${how}`);
      } else printJson(answer);
      const code = exitCodeOfRecord(answer);
      const isTaken = answer.created || code === EXIT.notInTime;
      process.exitCode = isTaken ? EXIT.done : code;
    },
    { creates: true },
  );
}
