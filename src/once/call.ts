import { EncryptionKeyMissingError, UnreachableError, UserError } from '../errors';
import { isSettled } from '../job';
import type { Decide, StoredJob } from '../store/store';
import type { OnceEnv } from './env';
import { pollPace, stopOperation, stopOperations } from './operations';
import type { Answered, BadAnswer, Outcome, SendContext, Started } from './outcome';
import { ROOM_TO_SAVE_MS, retryDelay } from './policy';
import { askProvider, recover } from './recover';
import { renew } from './rules/claim';
import { cancel } from './rules/decide';
import { saveOperation } from './rules/operation';
import { type Claimed, complete, doubt, failAnswered, reject, release, type Settled } from './rules/settle';
import type { OnceJob, OnceResult, PreparedCall } from './run';

/** How long a call that is being started may still take once its job is canceled. */
const START_GRACE_MS = 10_000;

/** Outcomes of which is told whatever became of the claim. */
const TOLD = new Set<(Outcome | Started)['kind']>(['answered', 'bad_answer', 'started']);

/** A claim just won. */
export interface OwnClaim extends Claimed {
  row: StoredJob;
}

/** Sends the call that the claim gives a right to, and writes what became of it (PROTOCOL 4). */
export async function callAndSettle(
  env: OnceEnv,
  job: OnceJob,
  call: PreparedCall,
  claimed: OwnClaim,
  claimedAt: number,
): Promise<OnceResult | 'again'> {
  const { key } = job.seed;
  const owns = await hasTime(env, job, claimed, claimedAt);
  // looked at last: a cancel may have come while the lease was renewed
  if (!owns || job.canceled.aborted || job.shutdown.aborted) return giveUpUnsent(env, job, claimed);
  const lease = keepLease(env, key, claimed, job.policy.leaseMs, claimedAt);
  const saveUntil = claimedAt + job.policy.callTimeoutMs + ROOM_TO_SAVE_MS;
  try {
    env.onEvent({ event: 'sent', key, call_id: claimed.call_id, attempt: claimed.row.attempts });
    const context = {
      key,
      call_id: claimed.call_id,
      idempotencyKey: `${env.store.id}/${key}/${claimed.row.generation}`,
      signal: AbortSignal.any([job.canceled, job.shutdown]),
    };
    const outcome = call.start ? await startCall(env, job, call.start, context) : await call.send(context);
    if (TOLD.has(outcome.kind)) lease.isNoNews();
    if (outcome.kind === 'started') {
      return await keepOperation(env, job, claimed, outcome.operation, saveUntil);
    }
    return await settle(env, job, claimed, outcome, saveUntil);
  } finally {
    lease.stop();
  }
}

/**
 * Straight before the request is written: does the lease still have time, by this process's monotonic
 * clock? A worker that slept since its claim renews by its token, or loses the right.
 */
async function hasTime(env: OnceEnv, job: OnceJob, claimed: Claimed, claimedAt: number): Promise<boolean> {
  const { leaseMs } = job.policy;
  let since = claimedAt;
  while (env.clock.monotonic() - since >= leaseMs) {
    since = env.clock.monotonic();
    if (!(await env.store.update(job.seed.key, renew(claimed, leaseMs)))) return false;
  }
  return true;
}

async function giveUpUnsent(env: OnceEnv, job: OnceJob, claimed: Claimed): Promise<OnceResult> {
  const { key } = job.seed;
  // nobody else could know that nothing was sent
  const save = savingUntil(env, key, env.clock.monotonic() + ROOM_TO_SAVE_MS);
  env.onEvent({ event: 'unsent', key, call_id: claimed.call_id });
  if (job.canceled.aborted) {
    const row = await save(cancel(job.seed, claimed));
    env.onEvent({ event: 'canceled', key, status: row?.status });
    return byRow(row);
  }
  return byRow((await save(release(claimed))).row);
}

/** The lease of a call that is under way. */
interface KeptLease {
  /** Its loss need not be told any more: what this claim writes next takes it away, or tells of its loss. */
  isNoNews(): void;
  /** Ends the renewals. */
  stop(): void;
}

/**
 * Renews the lease, and at once where the claim took long to be written. A lost lease stops nothing but the renewals:
 * to abort the call would un-bill nothing, it would only throw the answer away.
 */
function keepLease(
  env: OnceEnv,
  key: string,
  claimed: Claimed,
  leaseMs: number,
  claimedAt: number,
): KeptLease {
  let isNews = true;
  const renewNow = () => {
    env.store.update(key, renew(claimed, leaseMs)).then(
      (owned) => {
        if (owned) return;
        stop();
        if (isNews) env.onEvent({ event: 'lease_lost', key, call_id: claimed.call_id });
      },
      (e) => env.onEvent({ event: 'store_away', key, call_id: claimed.call_id, reason: whyAway(e) }),
    );
  };
  const stop = env.clock.every(leaseMs / 3, renewNow);
  if (env.clock.monotonic() - claimedAt > leaseMs / 3) renewNow();
  const isNoNews = () => {
    isNews = false;
  };
  return { isNoNews, stop };
}

/** Writes what became of a call. */
export async function settle(
  env: OnceEnv,
  job: OnceJob,
  claimed: OwnClaim,
  outcome: Outcome,
  saveUntil: number,
): Promise<OnceResult | 'again'> {
  const { key } = job.seed;
  const save = savingUntil(env, key, saveUntil);
  switch (outcome.kind) {
    case 'answered':
    case 'bad_answer':
      return saveAnswer(env, key, claimed, outcome, save);
    case 'rejected': {
      const { row } = await save(reject(claimed, outcome.message, outcome.said));
      env.onEvent({ event: 'failed', key, call_id: claimed.call_id, reason: 'provider_rejected' });
      return byRow(row);
    }
    case 'stated_failure': {
      // the provider's word that it failed is taken, after one look whether it answered all the same
      const found = await askProvider(env, job, claimed.row);
      if (found && isSettled(found.status)) return { kind: 'settled', row: found };
      return releaseClaim(env, job, claimed, outcome, save);
    }
    case 'not_executed':
      return releaseClaim(env, job, claimed, outcome, save);
    case 'unknown':
      return job.canceled.aborted
        ? cancelInCall(env, job, save)
        : doubtClaim(env, job, claimed, outcome.reason, save);
  }
}

type Save = <T>(decide: Decide<T>) => Promise<T>;

/** Writes that are tried again while the store is away, until this moment of the process's clock. */
export function savingUntil(env: OnceEnv, key: string, until: number): Save {
  return (decide) => keepSaving(env, key, decide, until);
}

/** An answer that was paid for is kept in hand while the store is away, until the call's time is over. */
async function keepSaving<T>(env: OnceEnv, key: string, decide: Decide<T>, until: number): Promise<T> {
  // the first may have hung for longer than there was time: what became of it is asked for once in any case
  for (let tries = 1, wait = 100; ; tries += 1, wait = Math.min(wait * 2, 5_000)) {
    try {
      return await env.store.update(key, decide);
    } catch (e) {
      // a key that is still on its way to this machine comes, too
      const passes = e instanceof UnreachableError || e instanceof EncryptionKeyMissingError;
      if (!passes || (tries > 1 && env.clock.monotonic() + wait > until)) throw e;
      env.onEvent({ event: 'store_away', key, reason: whyAway(e) });
      await env.clock.sleep(wait);
    }
  }
}

/** The store's own sentence; an error that is none of ours is named and no more. */
function whyAway(error: unknown): string {
  return error instanceof UserError ? error.message : (error as Error).name;
}

async function saveAnswer(
  env: OnceEnv,
  key: string,
  claimed: Claimed,
  answer: Answered | BadAnswer,
  save: Save,
): Promise<OnceResult> {
  const rule = answer.kind === 'answered' ? complete(claimed, answer) : failAnswered(claimed, answer);
  const { row, fate } = await save<Settled>(rule);
  const reason = answer.kind === 'bad_answer' ? answer.error.code : undefined;
  // the reply to its first try may have been lost, and then the second finds the job settled
  const isInTime = fate === 'won' ? row?.source !== 'late' : isSettledBy(row, claimed);
  const event = !isInTime ? 'late' : answer.kind === 'answered' ? 'completed' : 'failed';
  env.onEvent({
    event,
    key,
    call_id: claimed.call_id,
    request_id: answer.request_id,
    status: row?.status,
    reason,
  });
  return byRow(row);
}

/** Whether this claim's own answer is what settled the job: nobody else settles it at this token in such a way. */
function isSettledBy(row: StoredJob | null, { token }: Claimed): boolean {
  if (row?.token !== token + 1) return false;
  return row.status === 'FAILED' || (row.status === 'COMPLETED' && row.source === 'inference');
}

async function releaseClaim(
  env: OnceEnv,
  job: OnceJob,
  claimed: OwnClaim,
  outcome: Extract<Outcome, { kind: 'not_executed' | 'stated_failure' }>,
  save: Save,
): Promise<OnceResult> {
  const { key } = job.seed;
  const { reason, message, said } = outcome;
  const delay_ms = retryDelay(claimed.row.attempts, outcome.retryAfterMs, job.policy);
  const { row } = await save(
    release(claimed, { reason, message, said, delay_ms, deadline_ms: job.policy.deadlineMs }),
  );
  if (row?.status !== 'PENDING') return byRow(row);
  // a claim that was lost by now may have taken a doubt away
  const event = row.token === claimed.token + 1 ? 'released' : 'late';
  env.onEvent({ event, key, call_id: claimed.call_id, reason });
  return { kind: 'retry', afterMs: delay_ms, reason, message };
}

/** The outcome is unknown: IN_DOUBT, then a first round of recovery. */
export async function doubtClaim(
  env: OnceEnv,
  job: OnceJob,
  claimed: Claimed,
  reason: string,
  save: Save,
): Promise<OnceResult | 'again'> {
  const { key } = job.seed;
  const why = job.shutdown.aborted ? 'the worker was shut down during the call' : reason;
  const { row, fate } = await save(doubt(claimed, why));
  if (fate !== 'won' || !row) return byRow(row);
  env.onEvent({ event: 'in_doubt', key, call_id: claimed.call_id, reason: why });
  // a process that must end leaves recovery to the next worker
  if (job.shutdown.aborted) return { kind: 'in_doubt', row, checkAfterMs: 1 };
  return recover(env, job, row);
}

/** CANCELED, `billed: unknown`; one look whether there is an answer to keep. */
async function cancelInCall(env: OnceEnv, job: OnceJob, save: Save): Promise<OnceResult> {
  const { key } = job.seed;
  const row = await save(cancel(job.seed));
  env.onEvent({ event: 'canceled', key, status: row?.status });
  if (row) await stopOperations(env, job, row);
  return byRow(row && ((await askProvider(env, job, row)) ?? row));
}

/**
 * The provider took the call and runs it by itself: its id is saved at once, and from here on any worker
 * can fetch the answer. A claim that was lost meanwhile leaves its id as evidence.
 */
async function keepOperation(
  env: OnceEnv,
  job: OnceJob,
  claimed: OwnClaim,
  operation: string,
  saveUntil: number,
): Promise<OnceResult | 'again'> {
  const { key } = job.seed;
  const save = savingUntil(env, key, saveUntil);
  const { row, fate } = await save(saveOperation(claimed, operation));
  env.onEvent({ event: 'started', key, call_id: claimed.call_id, status: row?.status });
  // nobody could ask for it any more
  if (!row || fate === 'dropped') await stopOperation(env, job, operation);
  if (row?.status === 'IN_DOUBT') return 'again';
  if (fate === 'won' && job.canceled.aborted) return cancelInCall(env, job, save);
  if (fate === 'won') return { kind: 'running', row: row!, checkAfterMs: pollPace(0) };
  if (row && (await stopOperations(env, job, row))) return byRow((await askProvider(env, job, row)) ?? row);
  return byRow(row);
}

/**
 * A request that only starts a call gets a moment more once the job is canceled: with its id the call can be
 * stopped at the provider, without it the call runs on and is paid for.
 */
async function startCall(
  env: OnceEnv,
  job: OnceJob,
  start: NonNullable<PreparedCall['start']>,
  context: SendContext,
): Promise<Started | Outcome> {
  const over = new AbortController();
  const late = new AbortController();
  const abortLater = () => env.clock.sleep(START_GRACE_MS, over.signal).then(() => late.abort());
  if (job.canceled.aborted) late.abort();
  else job.canceled.addEventListener('abort', abortLater, { once: true, signal: over.signal });
  try {
    return await start({ ...context, signal: AbortSignal.any([late.signal, job.shutdown]) });
  } finally {
    over.abort();
  }
}

/** Unsettled here means that another has the job, or will: come back. */
function byRow(row: StoredJob | null): OnceResult {
  if (row && isSettled(row.status)) return { kind: 'settled', row };
  return { kind: 'retry', afterMs: 1_000, reason: 'superseded', message: 'the right to call was lost' };
}
