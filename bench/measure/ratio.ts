import type { Running } from '../contestants/contestant';
import type { Plan } from '../plan';
import { medianInterval, percentile } from '../report/statistics';
import { JobSource } from './job-source';
import { timeJobs } from './load';
import { startCpuMeter } from './processes';
import type { RatioResult } from './results';

/** One of the two sides that are compared. */
export interface Side {
  name: string;
  running: Running;
}

/**
 * Runs fresh jobs of ours and of the bare workflow in turn, each first in every other round, so that what
 * slows the machine or the server for a while falls on both.
 */
export async function measureRatio(
  ours: Side,
  bare: Side,
  level: { inFlight: number; jobs: number },
  { rounds, roundSeconds }: Pick<Plan, 'rounds' | 'roundSeconds'>,
  onRound: (round: number) => void,
): Promise<RatioResult> {
  const sources = new Map(
    [ours, bare].map((side) => [side, ratioSource(side.name, ours.name, level.inFlight)]),
  );
  let least = level.jobs;
  const time = async (side: Side) => {
    const meter = startCpuMeter(side.running);
    const { times, seconds } = await timeJobs(
      sources.get(side)!.take(level.jobs, roundSeconds),
      level.inFlight,
      side.running.run,
    );
    const { all } = meter();
    least = Math.min(least, times.length);
    return {
      p50: percentile(times, 0.5),
      perJob: seconds / times.length,
      cpu: all === null ? null : all / times.length,
    };
  };
  // one round that does not count
  await time(bare);
  await time(ours);
  const p50: number[] = [];
  const wall: number[] = [];
  const cpu: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const first = round % 2 === 0 ? bare : ours;
    const one = await time(first);
    const two = await time(first === bare ? ours : bare);
    const [own, floor] = first === bare ? [two, one] : [one, two];
    p50.push(own.p50 / floor.p50);
    wall.push(own.perJob / floor.perJob);
    if (own.cpu !== null && floor.cpu) cpu.push(own.cpu / floor.cpu);
    onRound(round + 1);
  }
  return {
    name: ours.name,
    inFlight: level.inFlight,
    rounds,
    jobsARound: least,
    p50: medianInterval(p50),
    time: medianInterval(wall),
    cpu: cpu.length > 0 ? medianInterval(cpu) : null,
  };
}

function ratioSource(side: string, against: string, inFlight: number): JobSource {
  return new JobSource(`ratio-${side}-${against}-${inFlight}`);
}
