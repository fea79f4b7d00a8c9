import type { Job } from '../contestants/contestant';

/** Runs one task for every item, `inFlight` at once; a fault of one ends the whole. */
export async function keepInFlight<T>(
  items: Iterable<T>,
  inFlight: number,
  task: (item: T) => Promise<void>,
): Promise<void> {
  const iterator = items[Symbol.iterator]();
  let failed = false;
  const lane = async () => {
    for (let next = iterator.next(); !next.done && !failed; next = iterator.next()) await task(next.value);
  };
  const lanes = Array.from({ length: inFlight }, () =>
    lane().catch((error) => {
      failed = true;
      throw error;
    }),
  );
  await Promise.all(lanes);
}

/** Times of one load. */
export interface Timed {
  /** From submission to answer, ms, as they came. */
  times: number[];
  seconds: number;
}

/** Runs each job to its answer, `inFlight` at once: the next begins where one ends. */
export async function timeJobs(
  jobs: Iterable<Job>,
  inFlight: number,
  run: (job: Job) => Promise<unknown>,
): Promise<Timed> {
  const times: number[] = [];
  const began = performance.now();
  await keepInFlight(jobs, inFlight, async (job) => {
    const submitted = performance.now();
    await run(job);
    times.push(performance.now() - submitted);
  });
  return { times, seconds: (performance.now() - began) / 1000 };
}
