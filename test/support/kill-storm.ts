import { setTimeout as delay } from 'node:timers/promises';
import type { JobRecord } from '../../src/job';
import type { Rng } from '../sim/rng';
import type { CrashWorld, Lane } from './crash-world';
import type { Cell } from './kill-table';
import { INPUT, outcome } from './killed-job';
import { until } from './until';

/** A storm: workers ended at random moments under a stream of jobs. */
export interface Storm extends Pick<Cell, 'recovery' | 'onUnknown'> {
  /** `SIGKILL`, or `SIGTERM` as in a deploy. */
  signal: 'SIGKILL' | 'SIGTERM';
  /** How many workers are ended, one after the other. */
  times: number;
  rng: Rng;
}

/** What a storm came to. */
export interface StormReport {
  survivors: Survivor[];
  /** How many calls were at the provider when a worker was ended, over all times. */
  inTheAir: number;
}

/** A job that went through a storm: its record at the end, and how often the ledger says it was paid for. */
export interface Survivor {
  record: JobRecord;
  billed: number;
}

const WORKERS = 2;
/** Jobs under way at once. */
const STREAMS = 12;
/** A worker lives so long at most from when it serves. */
const LIFE_MS = 1_500;

/**
 * Streams jobs, each submitted twice, while one of two workers after the other is ended at a random moment
 * and replaced; then waits until every answer that was paid for is in its job's record, where anybody
 * can be asked for it.
 */
export async function runStorm(world: CrashWorld, name: string, storm: Storm): Promise<StormReport> {
  const { recovery, onUnknown } = storm;
  const lane = await world.openLane(name);
  const spec = { recovery, onUnknown, env: { INFER_ONCE_CALL_TIMEOUT: '3s' } };
  const workers = await Promise.all(Array.from({ length: WORKERS }, () => lane.startWorker(spec)));
  const ids: string[] = [];
  let isOver = false;
  let inTheAir = 0;
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
    inTheAir += (await world.model.state()).in_flight.length;
    workers[victim]!.send(storm.signal);
    await workers[victim]!.ended;
    workers[victim] = await lane.startWorker(spec);
  }
  isOver = true;
  await streams;
  return { survivors: await untilPaidAreTold(world, lane, ids, recovery), inTheAir };
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
      const survivors = await Promise.all(
        ids.map(async (id) => ({ record: (await lane.jobs.get(id))!, billed: world.model.billed(id) })),
      );
      const isOpen = ({ record, billed }: Survivor) =>
        record.status === 'PENDING' ||
        record.status === 'IN_PROGRESS' ||
        (recovery === 'stored' && record.status === 'IN_DOUBT' && billed > 0);
      return !survivors.some(isOpen) && survivors;
    },
    90_000,
  );
}
