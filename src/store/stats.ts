import type { JobRow } from './row';
import type { StatsRow } from './store';

/** What `stats` asks of one job. */
export type CountedJob = Pick<
  JobRow,
  'task' | 'status' | 'created_at' | 'attempts' | 'input_tokens' | 'output_tokens' | 'cost_usd'
>;

/** One job as a line of its own. */
export function statsOf({ task, status, created_at, attempts, cost_usd, ...tokens }: CountedJob): StatsRow {
  return {
    task,
    day: new Date(created_at).toISOString().slice(0, 10),
    status,
    jobs: 1,
    attempts,
    input_tokens: tokens.input_tokens ?? 0,
    output_tokens: tokens.output_tokens ?? 0,
    cost_usd,
    unpriced: attempts > 0 && cost_usd === null ? 1 : 0,
  };
}

/** Adds up partial sums of the same task, day and status; newest day first, then by task and status. */
export function sumStats(parts: Iterable<StatsRow>): StatsRow[] {
  const sums = new Map<string, StatsRow>();
  for (const part of parts) {
    const name = JSON.stringify([part.task, part.day, part.status]);
    const sum = sums.get(name);
    if (sum) addTo(sum, part);
    else sums.set(name, { ...part });
  }
  return [...sums.values()].sort(
    (a, b) => compare(b.day, a.day) || compare(a.task, b.task) || compare(a.status, b.status),
  );
}

function addTo(sum: StatsRow, part: StatsRow): void {
  sum.jobs += part.jobs;
  sum.attempts += part.attempts;
  sum.input_tokens += part.input_tokens;
  sum.output_tokens += part.output_tokens;
  // null stays null until a cost is known: "unknown" is not "free"
  if (part.cost_usd !== null) sum.cost_usd = (sum.cost_usd ?? 0) + part.cost_usd;
  sum.unpriced += part.unpriced;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
