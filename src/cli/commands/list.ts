import { type Command, InvalidArgumentError } from 'commander';
import { JOB_STATUSES, type JobStatus } from '../../job';
import { type ClientOptions, withJobs } from '../context';
import { addClientOptions, addEpilogue, wholeNumberOption } from '../help';
import { isForPeople, printJson, printText } from '../output';
import { describeRecords } from '../record-text';

interface ListOptions extends ClientOptions {
  status?: JobStatus;
  task?: string;
  limit: number;
  cursor?: string;
}

/** `list`: records, newest change first. */
export function addList(program: Command): void {
  const command = program
    .command('list')
    .summary('jobs, newest change first')
    .description('Lists jobs, newest change first. --status IN_DOUBT is what waits for a decision.')
    .option('--status <status>', `only these: ${JOB_STATUSES.join(', ')}`, statusOption)
    .option('--task <task>', 'only jobs of this task')
    .option('--limit <n>', 'at most so many, up to 1000', wholeNumberOption(1, 1000), 50)
    .option('--cursor <cursor>', 'go on after the page that gave it')
    .action(list);
  addEpilogue(
    addClientOptions(command),
    ['infer-once list --status IN_DOUBT', 'infer-once list --task enrich --limit 1000 --json > jobs.jsonl'],
    [0, 2, 6],
    ['Where there are more, stderr names the cursor of the next page.'],
  );
}

async function list(options: ListOptions): Promise<void> {
  const { status, task, limit, cursor } = options;
  await withJobs(options, async ({ jobs }) => {
    const page = await jobs.list({ status, task, limit, cursor });
    if (!isForPeople(options)) page.records.forEach(printJson);
    else printText(page.records.length > 0 ? describeRecords(page.records) : 'No such jobs.');
    for (const { message } of page.corrupt ?? []) process.stderr.write(`${message}\n`);
    if (page.cursor) process.stderr.write(`There are more: --cursor ${page.cursor}\n`);
  });
}

function statusOption(text: string): JobStatus {
  const status = text.toUpperCase() as JobStatus;
  if (JOB_STATUSES.includes(status)) return status;
  throw new InvalidArgumentError(`It may be ${JOB_STATUSES.join(', ')}.`);
}
