/** How much is measured. */
export interface Plan {
  /** How long each call takes at the provider, ms. */
  delayMs: number;
  /** Jobs in flight at once, and how many are run so. */
  levels: { inFlight: number; jobs: number }[];
  /** No new job of a load is begun after so long, so that a slow machine ends too, s. */
  levelSeconds: number;
  /** How long completed jobs are submitted again, s. */
  duplicateSeconds: number;
  /** The ratio to the bare workflow: rounds, and jobs of each side in each. */
  rounds: number;
  /** As `levelSeconds`, for each side of a round. */
  roundSeconds: number;
  ratioLevels: { inFlight: number; jobs: number }[];
  /** Which of ours are compared. */
  ratioOf: string[];
  /** A worker's memory is read after so many jobs. */
  memoryJobs: number;
  /** Jobs that are in mid-call when the worker is killed; 0 = nobody is killed. */
  killJobs: number;
  /** How long the killed worker's jobs are waited for, s. */
  killLimitSeconds: number;
}

/** Under 3 minutes on two cores. */
export const QUICK: Plan = {
  delayMs: 50,
  levels: [
    { inFlight: 1, jobs: 20 },
    { inFlight: 10, jobs: 100 },
    { inFlight: 100, jobs: 300 },
    { inFlight: 1000, jobs: 1000 },
  ],
  levelSeconds: 6,
  duplicateSeconds: 1,
  rounds: 7,
  roundSeconds: 2,
  ratioLevels: [
    { inFlight: 1, jobs: 8 },
    { inFlight: 10, jobs: 30 },
    { inFlight: 100, jobs: 100 },
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
  rounds: 11,
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
