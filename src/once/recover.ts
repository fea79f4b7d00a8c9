import { isSettled } from '../job';
import type { StoredJob } from '../store/store';
import type { OnceEnv } from './env';
import { prospect } from './policy';
import { applyPolicy, setRecovering } from './rules/decide';
import { openCalls } from './rules/row';
import { complete, failAnswered } from './rules/settle';
import type { OnceJob, OnceResult } from './run';

/**
 * One round of recovery for a job in doubt (PROTOCOL 5): ask the provider, then apply the policy where
 * it is due, else say when to look again.
 */
export async function recover(env: OnceEnv, job: OnceJob, doubted: StoredJob): Promise<OnceResult | 'again'> {
  const { key } = job.seed;
  await askProvider(env, job, doubted);
  const { job: row, now } = await env.store.read(key);
  if (row?.status !== 'IN_DOUBT') return row && isSettled(row.status) ? { kind: 'settled', row } : 'again';

  const next = prospect(row, job.policy, job.lookUp !== null, job.checks, now);
  if (next.due) {
    const decided = await env.store.update(key, applyPolicy(next.due, row.token));
    env.onEvent({ event: next.due === 'rerun' ? 'rerun' : 'failed', key, reason: 'policy' });
    return decided && isSettled(decided.status) ? { kind: 'settled', row: decided } : 'again';
  }
  const shown = await env.store.update(key, setRecovering(row.token, next.recovering));
  return { kind: 'in_doubt', row: shown ?? row, checkAfterMs: next.checkAfterMs };
}

/**
 * Looks for answers to the job's open calls; the oldest valid one wins, others are kept beside it.
 *
 * @returns the row after the last write; null where nothing was found or nobody can be asked
 */
export async function askProvider(env: OnceEnv, job: OnceJob, row: StoredJob): Promise<StoredJob | null> {
  const { key } = job.seed;
  const callIds = openCalls(row).map((call) => call.call_id);
  if (!job.lookUp || callIds.length === 0) return null;
  let found: Awaited<ReturnType<NonNullable<OnceJob['lookUp']>>>;
  try {
    found = await job.lookUp({ key, callIds, signal: job.shutdown });
  } catch (e) {
    env.onEvent({ event: 'look_up_failed', key, reason: (e as Error).name });
    return null;
  }
  let last: StoredJob | null = null;
  // valid answers first: a bad one settles the job only where no other call is open
  const ordered = [...found].sort((a, b) => rank(a.outcome.kind) - rank(b.outcome.kind));
  for (const { call_id, outcome } of ordered) {
    const claimed = { call_id, token: row.token, input_digest: row.input_digest };
    const rule =
      outcome.kind === 'answered'
        ? complete(claimed, outcome, 'recovered')
        : failAnswered(claimed, outcome, 'recovered');
    const settled = await env.store.update(key, rule);
    last = settled.row;
    const event = settled.fate === 'won' ? (outcome.kind === 'answered' ? 'recovered' : 'failed') : 'late';
    env.onEvent({ event, key, call_id, request_id: outcome.request_id, status: settled.row?.status });
  }
  return last;
}

const rank = (kind: 'answered' | 'bad_answer'): number => (kind === 'answered' ? 0 : 1);
