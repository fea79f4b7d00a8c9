import type { ReopenPermit } from '../job';
import type { StoredJob } from '../store/store';
import { callAndSettle, savingUntil } from './call';
import type { OnceEnv } from './env';
import { stopOperations } from './operations';
import type { LookUp, Operations, Outcome, SendContext, Started } from './outcome';
import type { Policy } from './policy';
import { askProvider, recover } from './recover';
import { resume } from './resume';
import { claim, expire, type Inspection, inspect, refuseInput } from './rules/claim';
import { cancel } from './rules/decide';
import { type JobSeed, openCalls } from './rules/row';
import { release } from './rules/settle';

/** A call that is ready to go. */
export interface PreparedCall {
  send(context: SendContext): Promise<Outcome>;
  /** In place of `send`, where the provider is to run the call by itself (recovery `background`). */
  start?(context: SendContext): Promise<Started | Outcome>;
}

/** One job to be run at most once. */
export interface OnceJob {
  seed: JobSeed;
  permit: ReopenPermit | undefined;
  policy: Policy;
  /** How many times this doubt was looked at before. */
  checks: number;
  /**
   * Validates and renders; called after the look-up (a finished job must answer before a stricter task
   * refuses its input) and before the claim (nothing that can fail for free comes after it).
   */
  prepare(row: StoredJob | null): Promise<PreparedCall | { refused: string }>;
  /** Null where the provider can't be asked. */
  lookUp: LookUp | null;
  /** Null where no call can be running at the provider by itself. */
  operations: Operations | null;
  /** Aborts on an explicit cancel of the job. */
  canceled: AbortSignal;
  /** Aborts when this process must end. */
  shutdown: AbortSignal;
}

/** How one round ended. */
export type OnceResult =
  | { kind: 'settled'; row: StoredJob }
  | { kind: 'mismatch'; row: StoredJob }
  | { kind: 'in_doubt'; row: StoredJob; checkAfterMs: number }
  /** The provider runs the call by itself: ask again then. */
  | { kind: 'running'; row: StoredJob; checkAfterMs: number }
  /** Come back later: a live owner (`busy`), or a call that was not executed. */
  | { kind: 'retry'; afterMs: number; reason: string; message: string };

/**
 * Runs a call at most once for a key: look up, prepare, claim, send, settle; in doubt, recover. It never
 * waits for another owner: the caller comes back.
 *
 * @throws UnreachableError where the store is away; safe to try again
 */
export async function runOnce(env: OnceEnv, job: OnceJob): Promise<OnceResult> {
  for (;;) {
    const result = await runRound(env, job);
    if (result !== 'again') return result;
  }
}

async function runRound(env: OnceEnv, job: OnceJob): Promise<OnceResult | 'again'> {
  const { key, input_digest } = job.seed;
  const { job: row, now } = await env.store.read(key);
  const seen = inspect(row, input_digest, job.permit, now);
  if (job.canceled.aborted && seen.kind !== 'mismatch') {
    const canceled = await env.store.update(key, cancel(job.seed));
    env.onEvent({ event: 'canceled', key, status: canceled?.status });
    if (!canceled) return 'again';
    const answered = (await stopOperations(env, job, canceled)) && (await askProvider(env, job, canceled));
    return { kind: 'settled', row: answered || canceled };
  }
  if (seen.kind !== 'claimable') return meet(env, job, seen);

  const call = await job.prepare(row);
  if ('refused' in call) {
    const { row, refused } = await env.store.update(key, refuseInput(job.seed, job.permit, call.refused));
    if (!refused) return 'again';
    env.onEvent({ event: 'failed', key, status: 'FAILED', reason: 'invalid_input' });
    return { kind: 'settled', row };
  }

  const claimedAt = env.clock.monotonic();
  const call_id = env.newCallId();
  const lease_ms = job.policy.leaseMs;
  // a claim whose reply was lost stands, and nobody else could know that nothing was sent by it
  const save = savingUntil(env, key, claimedAt + lease_ms);
  const claimed = await save(claim({ seed: job.seed, permit: job.permit, call_id, lease_ms }));
  if (claimed.kind === 'in_doubt') {
    // it stood, and its lease is over: nobody else can know that nothing was sent by it
    const own = openCalls(claimed.row).find((call) => call.call_id === call_id);
    if (own) {
      await save(release({ call_id, token: own.token, input_digest }));
      return 'again';
    }
  }
  if (claimed.kind !== 'claimed') return meet(env, job, claimed);
  env.onEvent({ event: 'claimed', key, call_id, attempt: claimed.row.attempts });
  return callAndSettle(env, job, call, { ...claimed, input_digest }, claimedAt);
}

/** Answers a row that can't be claimed. */
async function meet(
  env: OnceEnv,
  job: OnceJob,
  seen: Exclude<Inspection, { kind: 'claimable' }>,
): Promise<OnceResult | 'again'> {
  const { key } = job.seed;
  switch (seen.kind) {
    case 'settled':
      env.onEvent({ event: 'replayed', key, status: seen.row.status });
      return { kind: 'settled', row: seen.row };
    case 'mismatch':
      return { kind: 'mismatch', row: seen.row };
    case 'busy':
      return {
        kind: 'retry',
        afterMs: seen.for_ms,
        reason: 'busy',
        message: 'another worker is calling; this attempt comes back when its lease ends',
      };
    case 'expired': {
      const row = await env.store.update(key, expire());
      if (row?.status === 'IN_DOUBT') env.onEvent({ event: 'in_doubt', key, reason: row.doubt?.reason });
      return 'again';
    }
    case 'resume':
      return resume(env, job, seen);
    case 'in_doubt':
      return recover(env, job, seen.row);
  }
}
