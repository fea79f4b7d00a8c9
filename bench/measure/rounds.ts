import type { Running } from '../contestants/contestant';
import { type MedianInterval, medianInterval, percentile } from '../report/statistics';
import { JobSource } from './job-source';
import { timeJobs } from './load';
import { startCpuMeter } from './processes';

/** One of those that are compared. */
export interface Side {
  name: string;
  running: Running;
}

/** What one side did in one round. */
export interface RoundTimes {
  /** How many it ended. */
  jobs: number;
  /** From submission to answer, ms. */
  p50Ms: number;
  /** Wall-clock time a job, s. */
  seconds: number;
  /** Processor time a job, ms: all but the provider's. Null without /proc. */
  cpuMs: number | null;
}

/** How much is run in rounds. */
export interface RoundPlan {
  inFlight: number;
  /** Of each side in each round. */
  jobs: number;
  rounds: number;
  /** No new job of a side is begun after so long in a round. */
  roundSeconds: number;
}

/**
 * Runs fresh jobs of each side in turn, another side first in each round, so that what slows the machine or the server
 * for a while falls on all.
 *
 * @param prefix - of the ids, so that no job is one of another comparison
 * @returns for each side what it did, round by round
 */
export async function measureRounds(
  sides: readonly Side[],
  prefix: string,
  { inFlight, jobs, rounds, roundSeconds }: RoundPlan,
  onRound: (round: number) => void,
): Promise<RoundTimes[][]> {
  const sources = sides.map(({ name }) => new JobSource(`${prefix}-${name}-${inFlight}`));
  const time = async (at: number): Promise<RoundTimes> => {
    const { running } = sides[at]!;
    const meter = startCpuMeter(running);
    const taken = sources[at]!.take(jobs, roundSeconds);
    const { times, seconds } = await timeJobs(taken, inFlight, running.run);
    const { all } = meter();
    return {
      jobs: times.length,
      p50Ms: percentile(times, 0.5),
      seconds: seconds / times.length,
      cpuMs: all === null ? null : all / times.length,
    };
  };
  const found: RoundTimes[][] = sides.map(() => []);
  // one round that does not count
  for (const at of sides.keys()) await time(at);
  for (let round = 0; round < rounds; round += 1) {
    for (const step of sides.keys()) {
      const at = (round + step) % sides.length;
      found[at]!.push(await time(at));
    }
    onRound(round + 1);
  }
  return found;
}

/** One side against another over the rounds that they shared. */
export interface Ratios {
  /** Of the p50 of submit-to-answer. */
  p50: MedianInterval;
  /** Of the wall-clock time a job. */
  time: MedianInterval;
  /** Of the processor time a job, all but the provider's: what a busy machine blurs least. Null without /proc. */
  cpu: MedianInterval | null;
}

/** The median over the rounds of one side's figures by the other's of the same round. */
export function ratiosOf(side: readonly RoundTimes[], base: readonly RoundTimes[]): Ratios {
  const by = (figure: (times: RoundTimes) => number | null) =>
    side.flatMap((times, round) => {
      const [own, other] = [figure(times), figure(base[round]!)];
      return own !== null && other ? [own / other] : [];
    });
  const cpu = by(({ cpuMs }) => cpuMs);
  return {
    p50: medianInterval(by(({ p50Ms }) => p50Ms)),
    time: medianInterval(by(({ seconds }) => seconds)),
    cpu: cpu.length > 0 ? medianInterval(cpu) : null,
  };
}
