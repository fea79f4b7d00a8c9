import type { StoredJob } from '../store/store';
import type { OnceEnv } from './env';
import type { Polled } from './outcome';
import { openOperations } from './rules/operation';
import type { OnceJob } from './run';

/** The part of a job by which the provider is asked for its calls. */
export type AskingJob = Pick<OnceJob, 'lookUp' | 'operations' | 'shutdown'> & { seed: { key: string } };

/** Every running call is asked for at least this often, in ms. */
const SLOWEST_POLL_MS = 15_000;

/** How long to wait before a running call is asked for again: 1, 2, 4 … 15 seconds, in ms. */
export function pollPace(checks: number): number {
  return Math.min(SLOWEST_POLL_MS, 1_000 * 2 ** Math.min(Math.max(0, checks), 20));
}

/**
 * Asks once for a call that the provider runs by itself. Where it can't be asked now, the call is taken to
 * run on: that is for the clock to end.
 */
export async function pollOnce(
  env: OnceEnv,
  job: AskingJob,
  call: { call_id: string; operation: string },
  signal: AbortSignal = job.shutdown,
): Promise<Polled> {
  const { key } = job.seed;
  if (!job.operations) return { kind: 'running' };
  try {
    return await job.operations.poll(call.operation, signal);
  } catch (e) {
    env.onEvent({ event: 'look_up_failed', key, call_id: call.call_id, reason: (e as Error).name });
    return { kind: 'running' };
  }
}

/**
 * Stops at the provider what a job that is canceled, or given up, still has running there. Best effort: a
 * cancel must not wait for a provider that is away.
 *
 * @returns false where there was nothing to stop
 */
export async function stopOperations(env: OnceEnv, job: AskingJob, row: StoredJob): Promise<boolean> {
  if (row.status !== 'CANCELED' && row.status !== 'FAILED') return false;
  const running = openOperations(row);
  for (const { operation } of running) await stopOperation(env, job, operation);
  return running.length > 0;
}

/** Stops one call at the provider, by best effort. */
export async function stopOperation(env: OnceEnv, job: AskingJob, operation: string): Promise<void> {
  try {
    await job.operations?.cancel(operation);
  } catch (e) {
    env.onEvent({ event: 'cancel_failed', key: job.seed.key, reason: (e as Error).name });
  }
}
