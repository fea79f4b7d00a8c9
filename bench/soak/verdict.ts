import type { Book } from './book';
import type { Growth } from './growth';

/** What a soak came to. */
export interface Outcome {
  minutes: number;
  /** How long it was to be. */
  askedMinutes: number;
  kills: number;
  sums: Book['sums'];
  violations: Book['violations'];
  /** Null: too short to tell. */
  growth: { name: string; growth: Growth | null }[];
}

/** What was shown, and what was not. */
export interface Verdict {
  /** `kept` only where workers died, jobs ended, and the whole time is over. */
  shown: 'kept' | 'broken' | 'nothing' | 'stopped early';
  sentence: string;
}

/** No more of them are printed. */
const MOST_LINES = 50;
/** Clocks are read a moment after the time is over, never before; but floats round. */
const NEARLY = 0.999;

export function verdictOf(outcome: Outcome): Verdict {
  const { minutes, askedMinutes, kills, sums, violations } = outcome;
  const broken = violations.length + (isPaidOnce(outcome) ? 0 : 1);
  const time = `${minutes.toFixed(1)} of ${askedMinutes.toFixed(1)} minutes`;
  if (broken > 0) {
    const sentence =
      broken === 1
        ? `1 promise was broken, after ${time}.`
        : `${broken} promises were broken, after ${time}.`;
    return { shown: 'broken', sentence };
  }
  if (kills === 0) return { shown: 'nothing', sentence: 'No worker was killed: nothing was tried.' };
  if (sums.completed === 0) return { shown: 'nothing', sentence: 'No job was completed: nothing was tried.' };
  if (minutes < askedMinutes * NEARLY) {
    const sentence = `Stopped after ${time}: no promise was broken so far; the rest of the time was not tried.`;
    return { shown: 'stopped early', sentence };
  }
  return { shown: 'kept', sentence: 'Every promise was kept.' };
}

/** For people: the sums, the growth, what was broken, and the verdict last. */
export function linesOf(outcome: Outcome): string[] {
  const { minutes, kills, sums, violations, growth } = outcome;
  const { jobs, completed, recovered, rerun, billed } = sums;
  const lines = [
    `${minutes.toFixed(1)} minutes, ${kills} ${kills === 1 ? 'worker' : 'workers'} killed`,
    `${jobs} jobs: ${completed} completed, ${recovered} of them recovered; ${billed} calls billed, ${rerun} jobs rerun by an operator`,
    ...growth.map(growthLine),
    ...violations.slice(0, MOST_LINES).map(({ promise, sentence }) => `BROKEN (${promise}): ${sentence}`),
  ];
  if (violations.length > MOST_LINES) lines.push(`and ${violations.length - MOST_LINES} more`);
  if (!isPaidOnce(outcome))
    lines.push(`BROKEN (one call): ${billed} calls for ${jobs} jobs with ${rerun} reruns.`);
  return [...lines, verdictOf(outcome).sentence];
}

function isPaidOnce({ sums: { jobs, completed, rerun, billed } }: Outcome): boolean {
  return billed >= completed && billed <= jobs + rerun;
}

function growthLine({ name, growth }: Outcome['growth'][number]): string {
  if (!growth) return `${name}: growth not measured; that takes 5 looks, one every 10 seconds`;
  const { early, late } = growth;
  return `${name}: ${early.rssMb} to ${late.rssMb} MB, ${early.handles} to ${late.handles} handles`;
}
