import { randomBytes, randomUUID } from 'node:crypto';
import { UserError } from '../../src/errors';
import { systemClock } from '../../src/once/clock';
import type { OnceEnv } from '../../src/once/env';
import type { Answered } from '../../src/once/outcome';
import type { Policy } from '../../src/once/policy';
import type { JobSeed } from '../../src/once/rules/row';
import { submit } from '../../src/once/rules/submit';
import { type OnceJob, runOnce } from '../../src/once/run';
import type { ResultStore } from '../../src/store/store';
import { percentile } from '../report/statistics';

/** As configured by default. */
const POLICY: Policy = {
  ...{ onUnknown: 'hold', holdForMs: null, holdThen: 'fail', callTimeoutMs: 600_000, leaseMs: 15_000 },
  ...{ settleMs: 120_000, deadlineMs: 86_400_000, retryAfterCapMs: 3_600_000 },
};

/** No store can make it smaller. */
const TEXT = randomBytes(450).toString('base64');

export const ANSWER: Answered = {
  kind: 'answered',
  result: { normalized_title: 'Alien (1979)', category: 'film', text: TEXT },
  usage: { input_tokens: 77, cached_tokens: 0, output_tokens: 15, reasoning_tokens: 0 },
  cost_usd: 0.000_015,
  model: 'gpt-6-luna',
  request_id: 'req_41cfbca26ea8983efe7a826035916c8a',
};

/** A job with 0.6 KB of input. */
export function seedOf(key: string): JobSeed {
  const input_json = JSON.stringify({ title: 'alien (1979)', note: TEXT });
  return { key, task: 'enrich', task_version: '1', input_digest: 'd'.repeat(64), input_json };
}

/**
 * A whole job as client and worker do it, but for Temporal and the call: submitted, looked up, claimed, and settled by an
 * answer that comes at once, with 0.7 KB of result.
 */
export async function runJob(store: ResultStore, key: string): Promise<void> {
  const seed = seedOf(key);
  await store.update(key, submit(seed));
  const result = await runOnce(envOf(store), jobOf(seed));
  if (result.kind !== 'settled' || result.row.status !== 'COMPLETED')
    throw new Error(`${key}: ${result.kind}`);
}

export function envOf(store: ResultStore): OnceEnv {
  return { store, clock: systemClock, newCallId: randomUUID, onEvent: () => undefined };
}

function jobOf(seed: JobSeed): OnceJob {
  const never = new AbortController().signal;
  return {
    ...{ seed, permit: undefined, policy: POLICY, checks: 0, lookUp: null, operations: null },
    prepare: async () => ({ send: async () => ANSWER }),
    ...{ canceled: never, shutdown: never },
  };
}

/** What a store did under load. */
export interface Writes {
  store: string;
  perSecond: number;
  p50Ms: number;
  p99Ms: number;
}

/** Runs jobs, so many at once, for so long; a fifth of the time goes before, to warm up. */
export async function loadJobs(
  name: string,
  store: ResultStore,
  { seconds, atOnce }: { seconds: number; atOnce: number },
): Promise<Writes> {
  await runFor(store, 'warm', seconds / 5, atOnce);
  const times = await runFor(store, 'job', seconds, atOnce);
  if (times.length === 0) {
    const sentence = `${name}: no job ended within ${seconds} s, nothing was measured; name more --seconds or a smaller --at-once.`;
    throw new UserError(sentence, { code: 'bench_nothing' });
  }
  return {
    store: name,
    perSecond: times.length / seconds,
    p50Ms: percentile(times, 0.5),
    p99Ms: percentile(times, 0.99),
  };
}

async function runFor(
  store: ResultStore,
  prefix: string,
  seconds: number,
  atOnce: number,
): Promise<number[]> {
  const times: number[] = [];
  const end = performance.now() + seconds * 1000;
  let next = 0;
  const stream = async () => {
    while (performance.now() < end) {
      const began = performance.now();
      await runJob(store, `${prefix}-${process.pid}-${next++}`);
      const now = performance.now();
      if (now <= end) times.push(now - began);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, stream));
  return times;
}
