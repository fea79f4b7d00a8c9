import type { Sources } from './loader';
import { simulate } from './simulate';
import type { Violation } from './watch';

/** What came of many seeds. */
export interface Summary {
  seeds: number;
  events: number;
  counts: Record<string, number>;
  failed: { seed: number; violations: Violation[] }[];
}

/** So many worlds take turns: the event loop's own cost is shared; of more the processor's caches hold too little. */
const AT_ONCE = 4;
/** Failures that are kept whole; more of the same say nothing new. */
const KEPT = 50;

export const emptySummary = (): Summary => ({ seeds: 0, events: 0, counts: {}, failed: [] });

/**
 * Simulates the seeds `from` to `to`.
 *
 * @param options.until - stop early where it says so
 */
export async function simulateMany(
  from: number,
  to: number,
  sources: Sources,
  until: (summary: Summary) => boolean = () => false,
): Promise<Summary> {
  // an error's stack costs more than a step of the simulation; a failing seed is played again with it
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 0;
  const summary = emptySummary();
  let next = from;
  const work = async (): Promise<void> => {
    while (next <= to && !until(summary)) {
      const { seed, violations, counts, events } = await simulate(next++, { sources });
      add(summary, { seeds: 1, events, counts, failed: violations.length > 0 ? [{ seed, violations }] : [] });
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  Error.stackTraceLimit = limit;
  summary.failed.sort((a, b) => a.seed - b.seed);
  return summary;
}

/** Adds one summary to another. */
export function add(sum: Summary, part: Summary): void {
  sum.seeds += part.seeds;
  sum.events += part.events;
  for (const [name, count] of Object.entries(part.counts)) sum.counts[name] = (sum.counts[name] ?? 0) + count;
  if (sum.failed.length < KEPT) sum.failed.push(...part.failed);
}

/** The least that must have happened per 1,000 seeds: a simulator that does nothing finds nothing. */
const LEAST: Record<string, number> = {
  jobs: 1000,
  billed: 700,
  'ended COMPLETED': 350,
  'were in doubt': 150,
  'source recovered': 15,
  'source late': 5,
  'source adopted': 15,
  'kept a late answer': 3,
  'event rerun': 15,
  'decided rerun': 15,
  'decided abandon': 20,
  'decided adopt': 40,
  'event late': 20,
  'event unsent': 4,
  'event released': 40,
  'event lease_lost': 10,
  'operations started': 70,
  'stated failures': 3,
  'repaired true': 2,
  acknowledged: 700,
  crashes: 300,
  freezes: 300,
  'cut off': 300,
  shutdowns: 60,
  cancels: 300,
  retries: 200,
  forgets: 100,
  resets: 80,
  terminates: 50,
  'told the result': 500,
  'told input_mismatch': 80,
};

/** What happened too seldom in a run of some length; empty where all is as it should be. */
export function findIdle({ seeds, counts }: Summary): string[] {
  return Object.entries(LEAST)
    .filter(([name, least]) => (counts[name] ?? 0) < (least * seeds) / 1000)
    .map(
      ([name, least]) => `${name}: ${counts[name] ?? 0} in ${seeds} seeds, ${least} in 1000 are the least`,
    );
}
