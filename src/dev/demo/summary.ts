import type { Figures } from './figures';
import { COPIES } from './jobs';
import type { Kill } from './kill-in-mid-call';

/** What a summary tells of, beside the figures. */
export interface Told {
  figures: Figures;
  /** The worker that was killed; null where none was. */
  kill: Kill | null;
  /** What the jobs' records name as their model. */
  model: string | null;
  isStandIn: boolean;
}

const RECOVERED = 'paid for, lost with the killed worker, found again';

const number = (value: number) => value.toLocaleString('en-US');
const dollars = (usd: number) => `$${usd < 0.01 ? usd.toPrecision(2) : usd.toFixed(usd < 1 ? 3 : 2)}`;

/** The run in numbers, a row each. */
export function formatFigures({ figures, kill }: Pick<Told, 'figures' | 'kill'>): string {
  const word = figures.billed_by === 'ledger' ? "by the stand-in's ledger" : "by the jobs' records";
  const rows: [string, string, string][] = [
    ['jobs', number(figures.jobs), `${number(figures.completed)} COMPLETED`],
    ['submissions', number(figures.submissions), `each job ${COPIES} times, from 2 processes`],
    ['calls billed', number(figures.billed), word],
    [
      'answers',
      number(figures.answers),
      figures.violations.length === 0 ? "all of a job's are the same" : '',
    ],
    ['recovered', number(figures.recovered), kill ? RECOVERED : 'no worker was killed'],
    ['duplicates avoided', number(figures.duplicates_avoided), 'submissions that cost nothing'],
    ['seconds', figures.seconds.toFixed(1), 'from the first submission to the last answer'],
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows
    .map((row) => `  ${row[0].padEnd(width)}  ${row[1].padStart(6)}   ${row[2]}`.trimEnd())
    .join('\n');
}

/** How many calls a queue makes that runs each submission, and runs again what a dead worker had begun. */
export function callsOtherwise({ figures }: Pick<Told, 'figures'>): number {
  return figures.submissions + figures.recovered;
}

/** Two lines for a newcomer: what happened, and what it would have cost otherwise. */
export function formatStory({ figures, kill, model, isStandIn }: Told): string {
  const { jobs, submissions, billed, recovered, cost_usd } = figures;
  const crash = kill
    ? `, and worker ${kill.pid} was killed with ${number(kill.calls)} call${kill.calls === 1 ? '' : 's'} in mid-air`
    : '';
  const what = `${number(jobs)} jobs were submitted ${number(submissions)} times from two processes${crash}; each job was paid for once, and all who asked have the same answer.`;
  const calls = callsOtherwise({ figures });
  const lost =
    recovered > 0 ? ` (one a submission, and the ${number(recovered)} lost with the worker again)` : '';
  const price =
    cost_usd === null
      ? ''
      : `, about ${dollars((cost_usd / billed) * calls)} in place of ${dollars(cost_usd)} at ${model}'s list price`;
  const free = isStandIn ? '. The offline stand-in that answered charges nothing.' : '.';
  return `${what}\nWithout infer-once it would have been ${number(calls)} calls in place of ${number(billed)}${lost}${price}${free}`;
}
