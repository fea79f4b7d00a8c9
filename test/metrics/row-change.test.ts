import { UnreachableError } from '../../src/errors';
import { MeteredStore } from '../../src/metrics';
import type { Answered, BadAnswer } from '../../src/once/outcome';
import { toRecord } from '../../src/once/record';
import { claim, expire } from '../../src/once/rules/claim';
import { applyPolicy, decide } from '../../src/once/rules/decide';
import { restore } from '../../src/once/rules/restore';
import type { JobSeed } from '../../src/once/rules/row';
import { complete, failAnswered, reject, release } from '../../src/once/rules/settle';
import { submit } from '../../src/once/rules/submit';
import { openMemoryStore } from '../../src/store/memory';
import type { ResultStore } from '../../src/store/store';
import { type ServedMetrics, startServedMetrics } from './support';

const usage = { input_tokens: 10, cached_tokens: 4, output_tokens: 3, reasoning_tokens: null };
const answer: Answered = {
  kind: 'answered',
  result: 'x',
  usage,
  cost_usd: 0.25,
  model: 'm-1',
  request_id: null,
};
const bad: BadAnswer = { ...answer, kind: 'bad_answer', error: { code: 'truncated', message: '' }, raw: '' };

describe('what a write makes true of a job is counted once, whoever writes it', () => {
  let served: ServedMetrics;
  let inner: ResultStore;
  let store: ResultStore;
  beforeEach(async () => {
    served = await startServedMetrics();
    inner = openMemoryStore();
    store = new MeteredStore(inner, served.metrics);
  });
  afterEach(() => served.server.close());

  const seed: JobSeed = { key: 'a', task: 't', task_version: null, input_digest: 'd', input_json: '1' };
  const claimIt = async (call_id: string, lease_ms = 0) => {
    const met = await store.update('a', claim({ seed, permit: undefined, call_id, lease_ms }));
    if (met.kind !== 'claimed') throw new Error(met.kind);
    return { call_id, token: met.token, input_digest: 'd' };
  };
  const counts = async () => {
    const scrape = await served.scrape();
    const names = ['claimed', 'billed', 'billed_unpriced', 'recovered', 'late'];
    const counted = names.map((name) => [name, scrape.sum(`infer_once_calls_${name}_total`)]);
    return {
      ...Object.fromEntries(counted),
      cost: scrape.sum('infer_once_cost_usd_total'),
      input: scrape.sum('infer_once_tokens_total', { type: 'input' }),
    };
  };
  const paidOnce = {
    claimed: 1,
    billed: 1,
    billed_unpriced: 0,
    recovered: 0,
    late: 0,
    cost: 0.25,
    input: 10,
  };

  test('an answer in time', async () => {
    await store.update('a', submit(seed));
    const call = await claimIt('c1');
    await store.update('a', complete(call, answer));
    // the same answer again, by another worker that fetched it too
    await store.update('a', complete(call, answer, 'recovered'));
    expect(await counts()).toEqual(paidOnce);
    const scrape = await served.scrape();
    expect(scrape.sum('infer_once_job_duration_seconds_count', { status: 'COMPLETED' })).toBe(1);
    for (const operation of ['submit', 'claim', 'save']) {
      const labels = { operation };
      expect(scrape.sum('infer_once_store_operation_duration_seconds_count', labels)).toBe(1);
    }
  });

  test('an answer without a price: nothing is added to the cost, and that is counted', async () => {
    const call = await claimIt('c1');
    await store.update('a', complete(call, { ...answer, cost_usd: null, usage: null, model: null }));
    expect(await counts()).toEqual({ ...paidOnce, billed_unpriced: 1, cost: 0, input: 0 });
    const scrape = await served.scrape();
    expect(scrape.has('infer_once_cost_usd_total')).toBe(false);
    expect(scrape.sum('infer_once_calls_billed_total', { model: 'unknown' })).toBe(1);
  });

  test('a bad answer was paid for, too', async () => {
    await store.update('a', failAnswered(await claimIt('c1'), bad));
    expect(await counts()).toEqual(paidOnce);
    const scrape = await served.scrape();
    expect(scrape.sum('infer_once_jobs_settled_total', { task: 't', status: 'FAILED' })).toBe(1);
  });

  test('a lost answer that is found again', async () => {
    const call = await claimIt('c1');
    await store.update('a', expire());
    await store.update('a', complete(call, answer, 'recovered'));
    expect(await counts()).toEqual({ ...paidOnce, recovered: 1 });
    expect((await served.scrape()).sum('infer_once_doubts_total')).toBe(1);
  });

  test('an answer that comes when its claim is lost, and one beside a failure', async () => {
    const call = await claimIt('c1');
    await store.update('a', expire());
    await store.update('a', complete(call, answer));
    expect(await counts()).toEqual({ ...paidOnce, late: 1 });
    const other = { ...seed, key: 'b' };
    const met = await store.update(
      'b',
      claim({ seed: other, permit: undefined, call_id: 'c2', lease_ms: 0 }),
    );
    if (met.kind !== 'claimed') throw new Error(met.kind);
    await store.update('b', expire());
    const doubted = await store.read('b');
    await store.update('b', applyPolicy('fail', doubted.job!.token));
    await store.update('b', complete({ ...met, input_digest: 'd' }, answer));
    expect(await counts()).toEqual({ ...paidOnce, claimed: 2, billed: 2, late: 2, cost: 0.5, input: 20 });
  });

  test('an answer to a call that its provider had called not executed', async () => {
    const call = await claimIt('c1');
    await store.update('a', release(call));
    await store.update('a', complete(call, answer));
    expect(await counts()).toEqual({ ...paidOnce, late: 1 });
  });

  test('what costs nothing counts as nothing: a release, a refusal, an adopted or restored result', async () => {
    await store.update('a', release(await claimIt('c1')));
    await store.update('a', reject(await claimIt('c2'), 'no'));
    const { job } = await store.read('a');
    const decision = { action: 'adopt' as const, doubt: job!.token, by: 'me', result: 'y' };
    expect(await store.update('a', decide(decision))).toMatchObject({ kind: 'applied' });
    const record = { ...toRecord(job!), status: 'COMPLETED' as const, attempts: 2, cost_usd: 1, model: 'm' };
    await store.update('b', submit({ ...seed, key: 'b' }));
    expect(await store.update('b', restore(record))).toMatchObject({ status: 'COMPLETED' });
    expect(await counts()).toEqual({ ...paidOnce, claimed: 2, billed: 0, cost: 0, input: 0 });
  });

  test('a write that was made, and whose reply was lost, is counted when its row is seen, and once', async () => {
    const { update } = inner;
    const lose = (isMade: boolean) => {
      inner.update = async (key, decide) => {
        if (isMade) await update.call(inner, key, decide);
        else decide((await inner.read(key)).job, Date.now());
        inner.update = update;
        throw new UnreachableError('store', 'The reply is lost.');
      };
    };
    const claiming = claim({ seed, permit: undefined, call_id: 'c1', lease_ms: 60_000 });
    const call = { call_id: 'c1', token: 2, input_digest: 'd' };
    for (const [decide, counted] of [
      [claiming, { ...paidOnce, billed: 0, cost: 0, input: 0 }],
      [complete(call, answer), paidOnce],
    ] as const) {
      const before = await counts();
      lose(false);
      await expect(store.update<unknown>('a', decide)).rejects.toThrow('lost');
      lose(true);
      await expect(store.update<unknown>('a', decide)).rejects.toThrow('lost');
      expect(await counts()).toEqual(before);
      await store.update<unknown>('a', decide);
      expect(await counts()).toEqual(counted);
      await store.update<unknown>('a', decide);
      await store.read('a');
      expect(await counts()).toEqual(counted);
    }
    expect((await served.scrape()).sum('infer_once_jobs_settled_total', { status: 'COMPLETED' })).toBe(1);
  });

  test('a bad answer whose replies are lost again and again is counted once', async () => {
    const call = await claimIt('c1', 60_000);
    const { update } = inner;
    inner.update = async (key, decide) => {
      await update.call(inner, key, decide);
      throw new UnreachableError('store', 'The reply is lost.');
    };
    for (let tries = 0; tries < 3; tries += 1) {
      await expect(store.update('a', failAnswered(call, bad))).rejects.toThrow('lost');
    }
    await store.read('a');
    expect(await counts()).toEqual(paidOnce);
  });

  test('one that was not made is counted when it is, and once; of one that is looked at first it is told then', async () => {
    const call = await claimIt('c1', 60_000);
    const { update } = inner;
    const fail = async () => {
      throw new UnreachableError('store', 'It is away.');
    };
    inner.update = async (key, decide) => {
      decide((await inner.read(key)).job, Date.now());
      return fail();
    };
    await expect(store.update('a', complete(call, answer))).rejects.toThrow('away');
    inner.update = update;
    await store.read('a');
    expect(await counts()).toMatchObject({ billed: 0 });
    inner.update = async (key, decide) => {
      await update.call(inner, key, decide);
      return fail();
    };
    await expect(store.update('a', complete(call, answer))).rejects.toThrow('away');
    await store.read('a');
    expect(await counts()).toEqual(paidOnce);
  });

  test('a store that is away is counted, and its error passes', async () => {
    await store.close();
    await expect(store.read('a')).rejects.toThrow();
    await expect(store.update('a', submit(seed))).rejects.toThrow();
    expect((await served.scrape()).sum('infer_once_store_errors_total', { code: 'unreachable' })).toBe(2);
  });
});
