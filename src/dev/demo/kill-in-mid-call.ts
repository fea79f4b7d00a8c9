import type { OfflineModel } from '../offline';
import type { Stack } from '../stack';
import { filmJobs } from './jobs';

/** A worker was killed. */
export interface Kill {
  pid: number;
  /** Calls that were in mid-air in it. */
  calls: number;
}

/** Of the jobs, in the order of submission, so many run undisturbed. */
const UNDISTURBED = 0.4;

/** The first job that the kill may hit is this one, counted from 0. */
export function firstDisturbed(jobs: number): number {
  return Math.floor(jobs * UNDISTURBED);
}

/** How many calls one worker makes at once: few enough that the disturbed jobs fill two workers. */
export function concurrencyFor(jobs: number): number {
  return Math.max(1, Math.min(8, Math.floor((jobs - firstDisturbed(jobs)) / 3)));
}

/** Makes the stand-in hold the calls of all later jobs in mid-air, until {@link killWhileHeld} lets them go. */
export async function holdLaterCalls(offline: OfflineModel, jobs: number): Promise<void> {
  const later = filmJobs(jobs).slice(firstDisturbed(jobs));
  await offline.rules(...later.map(({ job_id }) => ({ match: { job_id }, do: { hold: true as const } })));
}

/**
 * Waits until both workers have every call that they may make held in mid-air, kills the first one, then
 * lets all held calls go on: those of the dead worker are executed and paid for, and nobody hears the answer.
 *
 * @param onKill - the worker is dead, its calls are still in the air
 */
export async function killWhileHeld(
  stack: Pick<Stack, 'workers' | 'killWorker'>,
  offline: OfflineModel,
  concurrency: number,
  onKill: (kill: Kill) => void,
): Promise<void> {
  await offline.waitForState(({ held }) => held.length === 2 * concurrency, WAIT_MS);
  const { pid } = stack.workers()[0]!;
  await stack.killWorker(0);
  onKill({ pid, calls: concurrency });
  await releaseAll(offline);
}

const WAIT_MS = 120_000;

/** A call that came in before the rules were lifted may be held only after a first release. */
async function releaseAll(offline: OfflineModel): Promise<void> {
  await offline.rules();
  const { in_flight } = await offline.state();
  const ruled = new Set(in_flight.map(({ call_id }) => call_id));
  for (;;) {
    await offline.release();
    const { held } = await offline.waitForState(
      (state) => state.held.length > 0 || !state.in_flight.some(({ call_id }) => ruled.has(call_id)),
      WAIT_MS,
    );
    if (held.length === 0) return;
  }
}
