import type { Contestant, Running } from '../contestants/contestant';
import type { Plan } from '../plan';
import { median } from '../report/statistics';
import type { World } from '../world';
import { measureDuplicates } from './duplicates';
import { JobSource } from './job-source';
import { measureKill } from './kill';
import { measureLevel } from './levels';
import { keepInFlight } from './load';
import { memoryMb } from './processes';
import type { ContestantResult } from './results';

const WARM_UP_JOBS = 10;
/** Histories differ by the length of ids and times alone. */
const HISTORIES = 10;
/** Enough for any of them, and no more memory for what waits than it needs. */
const FILL_IN_FLIGHT = 100;

/** Everything that is measured of one contestant but the ratio; it runs alone. */
export async function measureContestant(
  world: World,
  contestant: Contestant,
  running: Running,
  plan: Plan,
  say: (what: string) => void,
): Promise<Omit<ContestantResult, 'versions'>> {
  const { name, title } = contestant;
  const source = new JobSource(name);
  const { worker } = running;
  await keepInFlight(source.take(WARM_UP_JOBS), 1, async (job) => void (await running.run(job)));
  const levels = [];
  for (const level of plan.levels) {
    say(`${level.jobs} jobs, ${level.inFlight} in flight`);
    levels.push(await measureLevel(running, source, level, plan.levelSeconds));
  }
  if (running.remembers) say('duplicates of completed jobs');
  const duplicates = running.remembers
    ? await measureDuplicates(running, source, plan.duplicateSeconds)
    : null;
  const history = await measureHistory(running, source);
  if (worker && plan.memoryJobs > source.count) {
    say(`jobs up to ${plan.memoryJobs}, for the worker's memory`);
    const more = source.take(plan.memoryJobs - source.count);
    await keepInFlight(more, FILL_IN_FLIGHT, async (job) => void (await running.run(job)));
  }
  const mb = worker ? memoryMb(worker.pid()) : null;
  const memory = mb === null ? null : { afterJobs: source.count, mb };
  const calls = world.model
    .ledger()
    .filter((entry) => entry.phase === 'billed' && source.owns(entry.job_id ?? '')).length;
  let kill = null;
  if (worker && plan.killJobs > 0) {
    say(`SIGKILL of the worker with ${plan.killJobs} jobs in mid-call`);
    kill = await measureKill(world, running, name, plan);
  }
  return { name, title, levels, duplicates, history, memory, kill, jobs: source.count, calls };
}

async function measureHistory(running: Running, source: JobSource): Promise<ContestantResult['history']> {
  if (!running.history) return null;
  const histories = [];
  for (let n = 0; n < Math.min(HISTORIES, source.count); n += 1) {
    histories.push(await running.history(source.at(source.count - n).id));
  }
  return {
    events: median(histories.map(({ events }) => events)),
    bytes: Math.round(median(histories.map(({ bytes }) => bytes))),
  };
}
