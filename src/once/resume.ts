import { formatDuration } from '../duration';
import { doubtClaim, savingUntil, settle } from './call';
import type { OnceEnv } from './env';
import { pollOnce, pollPace } from './operations';
import type { Polled } from './outcome';
import { ROOM_TO_SAVE_MS } from './policy';
import type { Inspection } from './rules/claim';
import type { OnceJob, OnceResult } from './run';

/**
 * One poll of a call that the provider runs by itself (PROTOCOL 3 `resume`). Anybody may do it, at any
 * time and twice at once: the call was made, and its answer is written as its owner's.
 */
export async function resume(
  env: OnceEnv,
  job: OnceJob,
  { row, call, age_ms }: Extract<Inspection, { kind: 'resume' }>,
): Promise<OnceResult | 'again'> {
  const polled = await pollOnce(env, job, call, AbortSignal.any([job.canceled, job.shutdown]));
  const claimed = { call_id: call.call_id, token: call.token, input_digest: row.input_digest, row };
  // how often a running call was asked for says nothing of how long its doubt lasts
  const anew = { ...job, checks: 0 };
  const saveUntil = env.clock.monotonic() + ROOM_TO_SAVE_MS;
  if (polled.kind !== 'running' && polled.kind !== 'gone') {
    return settle(env, anew, claimed, asLookedUp(polled), saveUntil);
  }
  // the next round writes the cancel
  if (job.canceled.aborted) return 'again';

  const left = job.policy.callTimeoutMs + job.policy.settleMs - age_ms;
  if (polled.kind === 'running' && left > 0) {
    return { kind: 'running', row, checkAfterMs: Math.min(pollPace(job.checks), left) };
  }
  const reason =
    polled.kind === 'gone'
      ? 'the provider does not know the running call any more'
      : `the running call was not final after ${formatDuration(job.policy.callTimeoutMs + job.policy.settleMs)}`;
  return doubtClaim(env, anew, claimed, reason, savingUntil(env, job.seed.key, saveUntil));
}

/** A failure that a poll tells of needs no second look: the poll was it. */
function asLookedUp(outcome: Exclude<Polled, { kind: 'running' | 'gone' }>) {
  return outcome.kind === 'stated_failure' ? { ...outcome, kind: 'not_executed' as const } : outcome;
}
