import type { Job, Running } from '../contestants/contestant';
import { percentile } from '../report/statistics';
import type { JobSource } from './job-source';
import { keepInFlight, timeJobs } from './load';
import type { DuplicateResult } from './results';

/** How many duplicates are asked at once where they are counted. */
export const DUPLICATES_IN_FLIGHT = 64;
/** Over how many completed jobs they are spread. */
const DIFFERENT = 500;
/** One at a time: at most so many, in at most so many seconds; the first tenth warms up. */
const ONE_BY_ONE = 20_000;
const ONE_BY_ONE_MS = 3_000;

/** Submits completed jobs again, and asks for their answers. */
export async function measureDuplicates(
  running: Running,
  source: JobSource,
  seconds: number,
): Promise<DuplicateResult> {
  const run = async (job: Job) => {
    const answer = await running.run(job);
    if (!answer) throw new Error(`The duplicate of job ${job.id} was answered without a result.`);
  };
  const enough = performance.now() + Math.min(ONE_BY_ONE_MS, seconds * 1000);
  const { times } = await timeJobs(
    again(source, () => performance.now() > enough, ONE_BY_ONE),
    1,
    run,
  );
  const end = performance.now() + seconds * 1000;
  let answered = 0;
  const began = performance.now();
  await keepInFlight(
    again(source, () => performance.now() > end),
    DUPLICATES_IN_FLIGHT,
    async (job) => {
      await run(job);
      answered += 1;
    },
  );
  const took = (performance.now() - began) / 1000;
  return { p50Ms: percentile(times.slice(times.length / 10), 0.5), perSecond: answered / took };
}

function* again(source: JobSource, isOver: () => boolean, most = Number.POSITIVE_INFINITY): Generator<Job> {
  const different = Math.min(DIFFERENT, source.count);
  for (let n = 0; n < most && !isOver(); n += 1) yield source.at((n % different) + 1);
}
