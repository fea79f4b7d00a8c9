import { isSettled } from '../job';
import type { StoredJob } from '../store/store';
import type { OnceEnv } from './env';
import { type AskingJob, pollOnce, stopOperations } from './operations';
import type { FoundAnswer, Outcome } from './outcome';
import { prospect } from './policy';
import { applyPolicy, setRecovering } from './rules/decide';
import { openOperations } from './rules/operation';
import { openCalls } from './rules/row';
import { complete, failAnswered, release } from './rules/settle';
import type { OnceJob, OnceResult } from './run';

/**
 * One round of recovery for a job in doubt (PROTOCOL 5): ask the provider, then apply the policy where
 * it is due, else say when to look again.
 */
export async function recover(env: OnceEnv, job: OnceJob, doubted: StoredJob): Promise<OnceResult | 'again'> {
  const { key } = job.seed;
  const askedFrom = env.clock.monotonic();
  await askProvider(env, job, doubted);
  const { job: row, now } = await env.store.read(key);
  if (row?.status !== 'IN_DOUBT') return row && isSettled(row.status) ? { kind: 'settled', row } : 'again';

  // What the provider said, it said of when it was asked: an answer that came meanwhile is asked for once more.
  const asOf = now - (env.clock.monotonic() - askedFrom);
  const next = prospect(row, job.policy, canAsk(job, row), job.checks, asOf);
  if (next.due) {
    const decided = await env.store.update(key, applyPolicy(next.due, row.token));
    env.onEvent({ event: next.due === 'rerun' ? 'rerun' : 'failed', key, reason: 'policy' });
    // given up: nobody will ask for what still runs
    if (decided) await stopOperations(env, job, decided);
    return decided && isSettled(decided.status) ? { kind: 'settled', row: decided } : 'again';
  }
  const shown = await env.store.update(key, setRecovering(row.token, next.recovering));
  return { kind: 'in_doubt', row: shown ?? row, checkAfterMs: next.checkAfterMs };
}

function canAsk(job: OnceJob, row: StoredJob): boolean {
  return job.lookUp !== null || (job.operations !== null && openOperations(row).length > 0);
}

/** What the provider says of a call whose fate was open: an answer, or that it was not executed. */
interface Evidence {
  call_id: string;
  outcome:
    | FoundAnswer['outcome']
    | Extract<Outcome, { kind: 'not_executed' | 'stated_failure' | 'rejected' }>;
}

/**
 * Looks for answers to the job's open calls; the oldest valid one wins, others are kept beside it.
 *
 * @returns the row after the last write; null where nothing was found or nobody can be asked
 */
export async function askProvider(env: OnceEnv, job: AskingJob, row: StoredJob): Promise<StoredJob | null> {
  const { key } = job.seed;
  const found: Evidence[] = [...(await lookUpStored(env, job, row)), ...(await pollOpen(env, job, row))];
  let last: StoredJob | null = null;
  // valid answers first: a bad one settles the job only where no other call is open
  const ordered = found.sort((a, b) => rank(a) - rank(b));
  for (const { call_id, outcome } of ordered) {
    const claimed = { call_id, token: row.token, input_digest: row.input_digest };
    if (outcome.kind !== 'answered' && outcome.kind !== 'bad_answer') {
      last = (await env.store.update(key, release(claimed))).row;
      env.onEvent({ event: 'released', key, call_id, status: last?.status });
      continue;
    }
    const rule =
      outcome.kind === 'answered' ? complete(claimed, outcome, 'recovered') : failAnswered(claimed, outcome);
    const settled = await env.store.update(key, rule);
    last = settled.row;
    const event = settled.fate === 'won' ? (outcome.kind === 'answered' ? 'recovered' : 'failed') : 'late';
    env.onEvent({ event, key, call_id, request_id: outcome.request_id, status: settled.row?.status });
  }
  return last;
}

async function lookUpStored(env: OnceEnv, job: AskingJob, row: StoredJob): Promise<FoundAnswer[]> {
  const { key } = job.seed;
  const callIds = openCalls(row).map((call) => call.call_id);
  if (!job.lookUp || callIds.length === 0) return [];
  try {
    return await job.lookUp({ key, callIds, signal: job.shutdown });
  } catch (e) {
    env.onEvent({ event: 'look_up_failed', key, reason: (e as Error).name });
    return [];
  }
}

/** Of a call that is gone, or that the provider itself can't account for, nothing is known. */
async function pollOpen(env: OnceEnv, job: AskingJob, row: StoredJob): Promise<Evidence[]> {
  const found: Evidence[] = [];
  for (const call of openOperations(row)) {
    const outcome = await pollOnce(env, job, call);
    if (outcome.kind === 'running' || outcome.kind === 'gone' || outcome.kind === 'unknown') continue;
    found.push({ call_id: call.call_id, outcome });
  }
  return found;
}

function rank({ outcome }: Evidence): number {
  if (outcome.kind === 'answered') return 0;
  return outcome.kind === 'bad_answer' ? 2 : 1;
}
