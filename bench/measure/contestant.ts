import type { Running } from '../contestants/contestant';
import type { Plan } from '../plan';
import { median } from '../report/statistics';
import { usageOf } from '../support/process-usage';
import type { World } from '../world';
import { measureDuplicates } from './duplicates';
import { untilIdle } from './idle';
import { JobSource } from './job-source';
import { measureKill } from './kill';
import { measureLevel } from './levels';
import { keepInFlight } from './load';
import type { ContestantResult } from './results';

const WARM_UP_JOBS = 10;
/** Histories differ by the length of ids and times alone. */
const HISTORIES = 10;
/** Enough for any of them, and no more memory for what waits than it needs. */
const FILL_IN_FLIGHT = 100;

/**
 * Everything that is measured of one contestant but the ratio; it runs alone.
 *
 * @param result - filled as it goes, so that a fault leaves what was measured before it
 * @param say - told what comes next
 */
export async function measureContestant(
  world: World,
  running: Running,
  plan: Plan,
  result: ContestantResult,
  say: (what: string) => void,
): Promise<void> {
  const source = new JobSource(result.name);
  try {
    await measureJobs(running, source, plan, result, say);
  } finally {
    result.jobs = source.count;
    result.calls = world.model
      .ledger()
      .filter((entry) => entry.phase === 'billed' && source.owns(entry.job_id ?? '')).length;
  }
  if (!running.worker || plan.killJobs === 0) return;
  say(`SIGKILL of the worker with ${plan.killJobs} jobs in mid-call`);
  result.kill = await measureKill(world, running, result.name, plan);
}

async function measureJobs(
  running: Running,
  source: JobSource,
  plan: Plan,
  result: ContestantResult,
  say: (what: string) => void,
): Promise<void> {
  const { worker } = running;
  say(`${WARM_UP_JOBS} jobs that do not count`);
  await keepInFlight(source.take(WARM_UP_JOBS), 1, async (job) => void (await running.run(job)));
  for (const level of plan.levels) {
    say(`${level.jobs} jobs, ${level.inFlight} in flight`);
    result.levels.push(await measureLevel(running, source, level, plan.levelSeconds));
  }
  if (running.remembers) {
    say('duplicates of completed jobs');
    await untilIdle(running);
    result.duplicates = await measureDuplicates(running, source, plan.duplicateSeconds);
  }
  if (running.history) {
    say('histories of completed jobs');
    result.history = await measureHistory(running.history, source);
  }
  if (!worker) return;
  if (plan.memoryJobs > source.count) {
    say(`jobs up to ${plan.memoryJobs}, for the worker's memory`);
    const more = source.take(plan.memoryJobs - source.count);
    await keepInFlight(more, FILL_IN_FLIGHT, async (job) => void (await running.run(job)));
  }
  const usage = usageOf(worker.pid());
  result.memory = usage && { afterJobs: source.count, mb: usage.rssMb };
}

async function measureHistory(
  historyOf: NonNullable<Running['history']>,
  source: JobSource,
): Promise<ContestantResult['history']> {
  const histories = [];
  for (let n = 0; n < Math.min(HISTORIES, source.count); n += 1) {
    histories.push(await historyOf(source.at(source.count - n).id));
  }
  return {
    events: median(histories.map(({ events }) => events)),
    bytes: Math.round(median(histories.map(({ bytes }) => bytes))),
    attributes: histories[0]!.attributes,
  };
}
