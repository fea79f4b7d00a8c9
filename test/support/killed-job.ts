import { JobError } from '../../src/errors';
import type { JobRecord } from '../../src/job';
import type { OnUnknown } from '../../src/once/policy';
import type { AnyCrashPoint } from './crash-points';
import type { CrashWorld, Lane } from './crash-world';
import type { Cell } from './kill-table';
import { until } from './until';
import type { WorkerProcess } from './worker-process';

export const INPUT = { title: '  the   thing (1982)', category: 'film' };

/** Where and how a worker dies, and what its job's policy is. */
export interface KillCase extends Omit<Cell, 'onUnknown'> {
  /** Default `hold`. */
  onUnknown?: OnUnknown;
  /** Default `kill`. With `throw` the worker lives, and has the next attempt itself. */
  how?: 'kill' | 'throw';
}

/** What became of the job once a healthy worker had taken over. */
export interface KilledJob {
  job_id: string;
  lane: Lane;
  /** Settled, or in doubt and shown to operators. */
  record: JobRecord;
  /** How often the ledger says that this job was paid for. */
  billed: number;
}

/**
 * Runs one job whose worker dies by SIGKILL at a point, then has a healthy worker take over and waits until
 * the job is settled, or nothing but a decision can settle it.
 *
 * @param name - of the job, its task queue and its store
 */
export async function runKilledJob(world: CrashWorld, name: string, kill: KillCase): Promise<KilledJob> {
  const { point, recovery, onUnknown = 'hold', how = 'kill' } = kill;
  // these policies decide when no answer can come any more
  const env = onUnknown === 'hold' ? undefined : { INFER_ONCE_CALL_TIMEOUT: '3s' };
  const lane = await world.openLane(name);
  const healthy = { recovery, onUnknown, env };
  const isOutside = point === 'in_call';
  if (isOutside) await world.holdCalls(name);
  const doomed = await lane.startWorker({ ...healthy, crash: isOutside ? undefined : { at: point, how } });
  await lane.jobs.submit({ job_id: name, task: 'enrich', input: INPUT });
  if (isOutside && recovery === 'background') await untilRunning(lane, name);
  if (isOutside) await killInCall(world, name, doomed);
  else await doomed.said(`at ${point}`);
  if (how === 'kill') {
    await untilKilled(doomed);
    await lane.startHeir(healthy);
  }
  const record = await outcome(lane, name);
  return { job_id: name, lane, record, billed: world.model.billed(name) };
}

/** One death of several: at this point, once the doubt that the one before left is decided, where it is. */
export interface Death {
  point: AnyCrashPoint;
  /** A person has the call sent again, for it can't have been: this death's worker is the one to do so. */
  decide?: 'rerun';
}

/**
 * Runs one job whose workers die by SIGKILL one after the other, each at its point, then has a healthy one
 * take over and waits for what is left.
 *
 * @param name - of the job, its task queue and its store
 */
export async function runKilledAgain(
  world: CrashWorld,
  name: string,
  recovery: Cell['recovery'],
  deaths: readonly Death[],
): Promise<KilledJob> {
  const lane = await world.openLane(name);
  // only the call that is to be met in the air is held
  if (deaths.some(({ point }) => point === 'in_call')) await world.holdCalls(name);
  await lane.jobs.submit({ job_id: name, task: 'enrich', input: INPUT });
  for (const { point, decide } of deaths) {
    const isOutside = point === 'in_call';
    const doomed = await lane.startWorker({ recovery, crash: isOutside ? undefined : { at: point } });
    if (decide) await decideDoubt(lane, name, decide);
    if (isOutside) await killInCall(world, name, doomed);
    else await doomed.said(`at ${point}`);
    await untilKilled(doomed);
  }
  await lane.startHeir({ recovery });
  const record = await outcome(lane, name);
  return { job_id: name, lane, record, billed: world.model.billed(name) };
}

async function decideDoubt(lane: Lane, jobId: string, action: 'rerun'): Promise<void> {
  const { status, token } = await outcome(lane, jobId);
  if (status !== 'IN_DOUBT') throw new Error(`${jobId} is ${status}, and nothing is to be decided`);
  await lane.jobs.resolve(jobId, { action, doubt: token, by: 'ann' });
}

/**
 * Runs one job whose worker is frozen by SIGSTOP at a point until a healthy worker has taken over and can do
 * no more, then thaws it, lets it end what it had in hand, and waits until the job is COMPLETED.
 *
 * @param name - of the job, its task queue and its store
 */
export async function runFrozenJob(
  world: CrashWorld,
  name: string,
  { point, recovery }: Pick<Cell, 'point' | 'recovery'>,
): Promise<KilledJob> {
  const lane = await world.openLane(name);
  const isOutside = point === 'in_call';
  if (isOutside) await world.holdCalls(name);
  const frozen = await lane.startWorker({
    recovery,
    crash: { at: isOutside ? 'never' : point, how: 'stop' },
  });
  await lane.jobs.submit({ job_id: name, task: 'enrich', input: INPUT });
  if (isOutside && recovery === 'background') await untilRunning(lane, name);
  if (isOutside) await freezeInCall(world, name, frozen);
  else await frozen.said(`at ${point}`);
  await lane.startHeir({ recovery });
  await outcome(lane, name);

  frozen.send('SIGCONT');
  frozen.send('SIGTERM');
  await frozen.endedWell();
  const record = await until(
    `${name} COMPLETED`,
    async () => {
      const now = await lane.jobs.get(name);
      return now?.status === 'COMPLETED' && now;
    },
    90_000,
  );
  return { job_id: name, lane, record, billed: world.model.billed(name) };
}

async function freezeInCall(world: CrashWorld, jobId: string, worker: WorkerProcess): Promise<void> {
  await world.model.waitForHeld(jobId);
  worker.send('SIGSTOP');
  await world.letGo(jobId);
}

/** In the background a call is under way from when its id is on record. */
async function untilRunning(lane: Lane, jobId: string): Promise<void> {
  await until(`the id of ${jobId} on record`, async () => {
    const { job } = await lane.store.read(jobId);
    return job?.calls.some((call) => call.operation !== undefined);
  });
}

/** The request is at the provider, which executes it when its caller is dead already. */
async function killInCall(world: CrashWorld, jobId: string, worker: WorkerProcess): Promise<void> {
  await world.model.waitForHeld(jobId);
  await worker.kill();
  await world.letGo(jobId);
}

/** Waits for its end by SIGKILL, and for no other. */
export async function untilKilled(worker: WorkerProcess): Promise<void> {
  const { code, signal } = await worker.ended;
  if (signal !== 'SIGKILL') throw new Error(`the worker ended by ${signal ?? code}; see ${worker.logFile}`);
}

/** The record once nothing but a person would change it any more. */
export async function outcome(lane: Lane, jobId: string): Promise<JobRecord> {
  try {
    return await lane.jobs.wait(jobId, { timeoutMs: 90_000 });
  } catch (error) {
    if (error instanceof JobError && error.record) return error.record;
    throw error;
  }
}
