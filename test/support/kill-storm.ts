import { setTimeout as delay } from 'node:timers/promises';
import { isSettled, type JobRecord } from '../../src/job';
import type { Rng } from '../sim/rng';
import type { CrashWorld, Lane, WorkerSpec } from './crash-world';
import type { Cell } from './kill-table';
import { INPUT, outcome } from './killed-job';
import { until } from './until';

/** A storm: workers ended at random moments under a stream of jobs. */
export interface Storm extends Pick<Cell, 'recovery' | 'onUnknown'>, Pick<WorkerSpec, 'program' | 'env'> {
  /** `SIGKILL`, or `SIGTERM` as in a deploy. */
  signal: 'SIGKILL' | 'SIGTERM';
  /** How many workers are ended, one after the other. */
  times: number;
  rng: Rng;
}

/** A job that went through a storm: its record at the end, and how often the ledger says it was paid for. */
export interface Survivor {
  record: JobRecord;
  billed: number;
}

const WORKERS = 2;
/** Jobs under way at once: each death hits a few, and the next worker still finds a processor to start on. */
const STREAMS = 6;
/** A worker lives so long at most from when it serves. */
const LIFE_MS = 1_500;

/**
 * Streams jobs, each submitted twice, while one of two workers after the other is ended at a random moment
 * and replaced; then waits until every answer that was paid for is in its job's record, where anybody
 * can be asked for it.
 */
export async function runStorm(world: CrashWorld, name: string, storm: Storm): Promise<Survivor[]> {
  const { recovery, onUnknown, program, env } = storm;
  const lane = await world.openLane(name);
  const spec = { recovery, onUnknown, program, env: { INFER_ONCE_CALL_TIMEOUT: '3s', ...env } };
  const workers = await Promise.all(Array.from({ length: WORKERS }, () => lane.startWorker(spec)));
  const ids: string[] = [];
  let isOver = false;
  const stream = async () => {
    while (!isOver) {
      const id = `${name}-${ids.length}`;
      ids.push(id);
      const job = { job_id: id, task: 'enrich', input: INPUT };
      await Promise.all([lane.jobs.submit(job), lane.jobs.submit(job)]);
      await outcome(lane, id);
    }
  };
  const streams = Promise.all(Array.from({ length: STREAMS }, stream));
  for (let kill = 0; kill < storm.times; kill += 1) {
    const victim = kill % WORKERS;
    // no wait for a state: the moment of a death is what is drawn here
    await Promise.race([delay(storm.rng.next() * LIFE_MS), streams]);
    workers[victim]!.send(storm.signal);
    await (storm.signal === 'SIGTERM' ? workers[victim]!.endedWell() : workers[victim]!.ended);
    workers[victim] = await lane.startWorker(spec);
  }
  isOver = true;
  await streams;
  return untilPaidAreTold(world, lane, ids, recovery);
}

/** A worker that was slow, not dead, may have shown its job in doubt before its answer came. */
async function untilPaidAreTold(
  world: CrashWorld,
  lane: Lane,
  ids: readonly string[],
  recovery: Storm['recovery'],
): Promise<Survivor[]> {
  return until(
    'every answer that was paid for in its record',
    async () => {
      await world.model.waitForState(({ in_flight }) => in_flight.length === 0);
      const survivors: Survivor[] = [];
      for (const id of ids) {
        const record = (await lane.jobs.get(id))!;
        const billed = world.model.billed(id);
        const { job } = await lane.store.read(id);
        const hasOperation = job?.calls.some(({ operation }) => operation !== undefined);
        const isFindable = recovery === 'stored' ? billed > 0 : hasOperation;
        const isOpen = !isSettled(record.status) && (record.status !== 'IN_DOUBT' || isFindable);
        if (isOpen) return false;
        survivors.push({ record, billed });
      }
      return survivors;
    },
    90_000,
  );
}

/**
 * Keeps two workers up and kills one after the other by SIGKILL, each at a random moment of its life, until `over`.
 *
 * @returns how many were killed; two are up
 */
export async function killWorkers(
  lane: Lane,
  spec: WorkerSpec,
  rng: Rng,
  over: Promise<unknown>,
): Promise<number> {
  const workers = await Promise.all(Array.from({ length: WORKERS }, () => lane.startWorker(spec)));
  let isOver = false;
  const end = over.then(() => {
    isOver = true;
  });
  for (let kills = 0; ; kills += 1) {
    await Promise.race([delay(rng.next() * LIFE_MS), end]);
    if (isOver) return kills;
    const victim = kills % WORKERS;
    await workers[victim]!.kill();
    workers[victim] = await lane.startWorker(spec);
  }
}
