import type { Command } from 'commander';
import type { StatsRow } from '../../store/store';
import { type ClientOptions, withJobs } from '../context';
import { addClientOptions, addEpilogue } from '../help';
import { formatTable, isForPeople, printJson, printText } from '../output';

/** `stats`: jobs, calls, tokens and cost by day and task. */
export function addStats(program: Command): void {
  const command = program
    .command('stats')
    .summary('jobs, tokens and cost by task and day')
    .description('Counts jobs, attempts, tokens and known cost by day (of creation, UTC), task and status.')
    .action(showStats);
  addEpilogue(
    addClientOptions(command),
    ['infer-once stats'],
    [0, 2, 6],
    [
      'A cost that is not known is null in JSON and - in the table, never 0; unpriced counts the jobs that were attempted and have none, a refused call, which costs nothing, among them.',
    ],
  );
}

async function showStats(options: ClientOptions): Promise<void> {
  await withJobs(options, async ({ jobs }) => {
    const rows = await jobs.stats();
    if (!isForPeople(options)) rows.forEach(printJson);
    else printText(rows.length > 0 ? describeStats(rows) : 'No jobs yet.');
  });
}

const HEAD = ['DAY', 'TASK', 'STATUS', 'JOBS', 'ATTEMPTS', 'TOKENS IN', 'TOKENS OUT', 'COST USD', 'UNPRICED'];

function describeStats(rows: StatsRow[]): string {
  const cells = rows.map((row) => [
    ...[row.day, row.task, row.status],
    ...[row.jobs, row.attempts, row.input_tokens, row.output_tokens].map(String),
    row.cost_usd === null ? '-' : row.cost_usd.toFixed(4),
    String(row.unpriced),
  ]);
  const sum = (pick: (row: StatsRow) => number) => String(rows.reduce((total, row) => total + pick(row), 0));
  const costs = rows.map((row) => row.cost_usd).filter((cost) => cost !== null);
  const total = [
    ...['total', '', '', sum((row) => row.jobs), sum((row) => row.attempts)],
    ...[sum((row) => row.input_tokens), sum((row) => row.output_tokens)],
    costs.length > 0 ? costs.reduce((a, b) => a + b, 0).toFixed(4) : '-',
    sum((row) => row.unpriced),
  ];
  return formatTable(HEAD, [...cells, total], HEAD.slice(3));
}
