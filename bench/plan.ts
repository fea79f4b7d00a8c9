/** How much is measured. */
export interface Plan {
  /** How long each call takes at the provider, ms. */
  delayMs: number;
  /** Jobs in flight at once, and how many are run so. */
  levels: Levels;
  /** No new job of a load is begun after so long, so that a slow machine ends too, s. */
  levelSeconds: number;
  /** How long completed jobs are submitted again, s. */
  duplicateSeconds: number;
  /** The ratio to the bare workflow: rounds, an even number so that each side is first as often. */
  rounds: number;
  /** As `levelSeconds`, for each side of a round. */
  roundSeconds: number;
  /** Jobs of each side in each round. */
  ratioLevels: Levels;
  /** Which of ours are compared. */
  ratioOf: string[];
  /** A worker's memory is read after so many jobs. */
  memoryJobs: number;
  /** Jobs that are in mid-call when the worker is killed; 0 = nobody is killed. */
  killJobs: number;
  /** How long the killed worker's jobs are waited for, s. */
  killLimitSeconds: number;
}

/** Under 3 minutes on two cores: without 1,000 in flight, whose queue alone takes the dev server 80 s, and without ratios at 100. */
export const QUICK: Plan = {
  delayMs: 50,
  levels: [
    { inFlight: 1, jobs: 20 },
    { inFlight: 10, jobs: 100 },
    { inFlight: 100, jobs: 300 },
  ],
  levelSeconds: 6,
  duplicateSeconds: 1,
  rounds: 8,
  roundSeconds: 2,
  ratioLevels: [
    { inFlight: 1, jobs: 12 },
    { inFlight: 10, jobs: 30 },
  ],
  ratioOf: ['client'],
  memoryJobs: 0,
  killJobs: 0,
  killLimitSeconds: 0,
};

export const FULL: Plan = {
  delayMs: 50,
  levels: [
    { inFlight: 1, jobs: 100 },
    { inFlight: 10, jobs: 500 },
    { inFlight: 100, jobs: 1000 },
    { inFlight: 1000, jobs: 2000 },
  ],
  levelSeconds: 60,
  duplicateSeconds: 5,
  rounds: 12,
  roundSeconds: 10,
  ratioLevels: [
    { inFlight: 1, jobs: 30 },
    { inFlight: 10, jobs: 100 },
    { inFlight: 100, jobs: 200 },
  ],
  ratioOf: ['client', 'gateway'],
  memoryJobs: 10_000,
  killJobs: 20,
  killLimitSeconds: 150,
};

/** What the command line asks for in place of the plan's own. */
export interface PlanOptions {
  inFlight?: number[];
  jobs?: number;
  rounds?: number;
  delay?: number;
}

/** Jobs in flight at once, and how many are run so. */
export type Levels = { inFlight: number; jobs: number }[];

/** Loads with what was asked for. One that they have not gets the jobs of the next higher one, or 2 a lane. */
export function narrowLevels(
  levels: Levels,
  { inFlight, jobs: most = Number.POSITIVE_INFINITY }: Pick<PlanOptions, 'inFlight' | 'jobs'>,
): Levels {
  const wanted = inFlight ? [...new Set(inFlight)].sort((a, b) => a - b) : levels.map((one) => one.inFlight);
  return wanted.map((n) => ({ inFlight: n, jobs: Math.min(most, nextHigher(levels, n) ?? 2 * n) }));
}

function nextHigher(levels: Levels, n: number): number | undefined {
  return levels.find(({ inFlight }) => inFlight >= n)?.jobs;
}

/** A plan with what was asked for. */
export function narrowPlan(plan: Plan, { rounds, delay, ...asked }: PlanOptions): Plan {
  // rounds at more than the highest would take more than all the rest
  const inRounds = asked.inFlight?.filter((n) => nextHigher(plan.ratioLevels, n) !== undefined);
  return {
    ...plan,
    delayMs: delay ?? plan.delayMs,
    levels: narrowLevels(plan.levels, asked),
    ratioLevels: narrowLevels(plan.ratioLevels, { ...asked, inFlight: inRounds }),
    rounds: rounds ?? plan.rounds,
    memoryJobs: Math.min(plan.memoryJobs, asked.jobs ?? plan.memoryJobs),
  };
}
