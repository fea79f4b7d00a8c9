import type { StoredJob } from '../store/store';
import { wasRerunByPolicy } from './rules/decide';
import { openCalls } from './rules/row';

/** What to do where nobody can know whether a call was executed. */
export type OnUnknown = 'hold' | 'rerun' | 'fail';

/** The times and policies of one job's calls; all in ms. */
export interface Policy {
  onUnknown: OnUnknown;
  /** How long a hold may last before `holdThen` applies; null = until somebody decides. */
  holdForMs: number | null;
  holdThen: 'rerun' | 'fail';
  /** The longest that one call may take. */
  callTimeoutMs: number;
  leaseMs: number;
  /** How long recovery asks before operators are shown the job. */
  settleMs: number;
  /** How long outcomes that were not executed are tried again. */
  deadlineMs: number;
  /** The longest wait that a provider's Retry-After may ask for. */
  retryAfterCapMs: number;
}

/** How long an answer is kept in hand, beyond the call's time-out, while the store is away. */
export const ROOM_TO_SAVE_MS = 60_000;

/** What a doubt comes to at this moment. */
export interface Prospect {
  /** The policy's decision that is due now, if any. */
  due: 'rerun' | 'fail' | null;
  /** True while the job goes on by itself: waiters wait, operators need not look. */
  recovering: boolean;
  /** When to look again, in ms from now. */
  checkAfterMs: number;
}

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/**
 * What is to be done about a doubt (PROTOCOL 5.2, 5.3). A provider may finish after the worker died, so
 * `rerun` and `fail` apply only when no call can still be answered: `sent_at + call time-out + settle`.
 *
 * @param asks - whether the provider can be asked for this job's open calls
 * @param checks - how many look-ups came before; they grow ever more seldom
 */
export function prospect(
  row: StoredJob,
  policy: Policy,
  asks: boolean,
  checks: number,
  now: number,
): Prospect {
  const since = row.doubt?.since ?? now;
  const finalAt = lastSentAt(row, since) + policy.callTimeoutMs + policy.settleMs;
  const plan = plannedAction(row, policy, finalAt);
  if (plan && now >= plan.at) return { due: plan.action, recovering: true, checkAfterMs: 0 };

  const shownAt = since + policy.settleMs;
  const canAsk = asks && openCalls(row).length > 0;
  const isPolicyNear = plan !== null && policy.onUnknown !== 'hold';
  const recovering = isPolicyNear || (canAsk && now < shownAt);

  const heldFrom = canAsk ? Math.max(finalAt, shownAt) : since;
  const backoff = now < heldFrom ? askingBackoff(checks, policy.settleMs) : holdBackoff(now - heldFrom);
  const moments = [plan?.at, recovering ? shownAt : undefined, canAsk ? finalAt : undefined];
  const nextMoment = Math.min(...moments.filter((at) => at !== undefined && at > now).map((at) => at! - now));
  return { due: null, recovering, checkAfterMs: Math.max(1, Math.min(backoff, nextMoment)) };
}

/** The decision that the policy will take, and when; null where only a person can. */
function plannedAction(
  row: StoredJob,
  policy: Policy,
  finalAt: number,
): { action: 'rerun' | 'fail'; at: number } | null {
  if (policy.onUnknown === 'fail') return { action: 'fail', at: finalAt };
  const canRerun = !wasRerunByPolicy(row);
  if (policy.onUnknown === 'rerun' && canRerun) return { action: 'rerun', at: finalAt };
  if (policy.holdForMs === null) return null;
  if (policy.holdThen === 'rerun' && !canRerun) return null;
  return { action: policy.holdThen, at: finalAt + policy.holdForMs };
}

function lastSentAt(row: StoredJob, fallback: number): number {
  const sent = openCalls(row).map((call) => call.claimed_at);
  return sent.length > 0 ? Math.max(...sent) : (row.sent_at ?? fallback);
}

/** 1, 2, 4 … seconds; never longer than a quarter of the settle time, so that it is used. */
function askingBackoff(checks: number, settleMs: number): number {
  const cap = Math.max(SECOND / 4, Math.min(30 * SECOND, settleMs / 4));
  return Math.min(cap, SECOND * 2 ** Math.min(checks, 20));
}

/** As long again as it has been held, from 1 minute to 1 hour: a job on hold for a day costs next to nothing. */
function holdBackoff(heldMs: number): number {
  return Math.min(HOUR, Math.max(MINUTE, heldMs));
}

/** How long to wait before a call that was not executed is tried again. */
export function retryDelay(attempts: number, retryAfterMs: number | undefined, policy: Policy): number {
  const backoff = Math.min(MINUTE, SECOND * 2 ** Math.min(Math.max(0, attempts - 1), 20));
  // a provider that says "at once" over and over is not asked once a second all day
  const wished = retryAfterMs === undefined ? backoff : Math.max(retryAfterMs, Math.min(backoff, 5 * SECOND));
  return Math.min(wished, policy.retryAfterCapMs);
}
