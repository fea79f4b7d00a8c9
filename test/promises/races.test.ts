import { Client, type WorkflowClientInterceptor } from '@temporalio/client';
import { JobCanceledError, JobClient } from '../../src';
import { readArgument } from '../../src/client/runs';
import type { ProviderCopies } from '../../src/client/types';
import { inputDigest } from '../../src/digest';
import { claim } from '../../src/once/rules/claim';
import { cancel } from '../../src/once/rules/decide';
import { complete } from '../../src/once/rules/settle';
import type { ResultStore } from '../../src/store/store';
import { until } from '../support/until';
import { startWorld, type World } from '../support/world';
import { enrichJob, errorOf, handleOf, INPUT, rowOf, runStatus } from './support';

/** A queue that no worker takes from: runs stay as they are until a test ends them. */
const NOBODY = 'nobody';

describe('requests that meet a run at its end, or each other', () => {
  let world: World;
  beforeAll(async () => {
    world = await startWorld();
  });
  afterAll(() => world.stop());

  /** A client that tells which requests Temporal has answered it. */
  function listen(options: { store?: ResultStore; provider?: ProviderCopies } = {}) {
    const answered: string[] = [];
    const note = async <T>(what: string, request: Promise<T>): Promise<T> => {
      const answer = await request;
      answered.push(what);
      return answer;
    };
    const listener: WorkflowClientInterceptor = {
      describe: (input, next) => note('describe', next(input)),
      start: (input, next) => note('start', next(input)),
    };
    const { connection } = world.client;
    const client = new Client({ connection, interceptors: { workflow: [listener] } });
    const jobs = new JobClient({ client, store: world.store, taskQueue: NOBODY, ...options });
    return {
      jobs,
      untilAnswered: (what: string) => until(`${what} answered`, () => answered.includes(what)),
    };
  }

  /** A run that is open though its record is settled: CANCELED, and nothing was paid for. */
  async function settleBeforeClose(jobId: string): Promise<void> {
    await listen().jobs.submit(enrichJob(jobId));
    await world.store.update(jobId, cancel(null));
    expect(await rowOf(world, jobId)).toMatchObject({ status: 'CANCELED', billed: 'no' });
    expect(await runStatus(world, jobId)).toBe('RUNNING');
  }

  /** What a `retry` comes to whose run has claimed the job, and had its answer where there is one. */
  async function reopen(jobId: string, result?: string): Promise<void> {
    const { token, task, calls } = await rowOf(world, jobId);
    const input_digest = inputDigest(jobId, task, INPUT);
    const seed = { key: jobId, task, task_version: '1', input_digest, input_json: null };
    const permit = { token, paid: true } as const;
    const call_id = `again-${calls.length}`;
    const won = await world.store.update(jobId, claim({ seed, permit, call_id, lease_ms: 60_000 }));
    if (won.kind !== 'claimed') throw new Error(`not claimed but ${won.kind}`);
    if (result === undefined) return;
    const facts = { usage: null, cost_usd: null, model: null, request_id: null };
    const claimed = { ...won, input_digest };
    await world.store.update(jobId, complete(claimed, { kind: 'answered', result, ...facts }));
  }

  const permitOf = async (jobId: string) => {
    const { runId } = await handleOf(world, jobId).describe();
    return (await readArgument(world.client, jobId, runId)).reopen;
  };

  test('a submission that meets the last moment of a run joins nothing: it starts a run that opens the job again', async () => {
    await settleBeforeClose('ending');
    const { jobs, untilAnswered } = listen();
    const submission = jobs.submit(enrichJob('ending'));
    await untilAnswered('describe');
    await handleOf(world, 'ending').terminate('its end');
    expect(await submission).toMatchObject({ created: true, replayed: false });
    expect(await permitOf('ending')).toEqual({ token: (await rowOf(world, 'ending')).token });
  });

  test('nor does a retry', async () => {
    await settleBeforeClose('retried');
    const { jobs, untilAnswered } = listen();
    const retry = jobs.retry('retried');
    await untilAnswered('describe');
    await handleOf(world, 'retried').terminate('its end');
    await retry;
    expect(await runStatus(world, 'retried')).toBe('RUNNING');
    expect(await permitOf('retried')).toEqual({ token: (await rowOf(world, 'retried')).token, paid: true });
  });

  test('the waiter of a retry shares no wait that may end with the old failure', async () => {
    await settleBeforeClose('shared');
    await handleOf(world, 'shared').terminate('its end');
    let isHeld = true;
    let release = () => {};
    const held = new Promise<void>((done) => {
      release = done;
    });
    // the first read is slow: it brings the record as it was when it was asked for
    const store: ResultStore = Object.assign(Object.create(world.store) as ResultStore, {
      async read(key: string) {
        const isFirst = isHeld;
        isHeld = false;
        const seen = await world.store.read(key);
        if (isFirst) await held;
        return seen;
      },
    });
    const { jobs, untilAnswered } = listen({ store });
    const waiter = jobs.wait('shared');
    const retry = jobs.retry('shared', {});
    const ends = Promise.allSettled([waiter, retry]);
    await untilAnswered('start');
    release();
    await errorOf(waiter, JobCanceledError);
    await reopen('shared', 'the answer');
    expect((await ends)[1]).toMatchObject({ value: { status: 'COMPLETED', result: 'the answer' } });
  });

  test('a cancel takes nothing from whoever asked for the job again after it was written', async () => {
    await settleBeforeClose('crossed');
    let isReopened = false;
    const store: ResultStore = Object.assign(Object.create(world.store) as ResultStore, {
      async update(...[key, decide]: Parameters<ResultStore['update']>) {
        if (!isReopened) await reopen('crossed');
        isReopened = true;
        return world.store.update(key, decide);
      },
    });
    const { jobs } = listen({ store });
    await jobs.cancel('crossed');
    expect(isReopened).toBe(true);
    expect(await rowOf(world, 'crossed')).toMatchObject({ status: 'IN_PROGRESS', generation: 2 });
  });

  describe('forget', () => {
    test('waits until the run has closed before it erases anything', async () => {
      await settleBeforeClose('open');
      let isEnding = false;
      const erasedAtEnd: boolean[] = [];
      const forgetCopies = async () => void erasedAtEnd.push(isEnding);
      const { jobs, untilAnswered } = listen({ provider: { forget: forgetCopies } });
      const forgetting = jobs.forget('open');
      await untilAnswered('describe');
      expect((await rowOf(world, 'open')).status).toBe('CANCELED');
      isEnding = true;
      await handleOf(world, 'open').terminate('its end');
      await forgetting;
      expect(erasedAtEnd).toEqual([true]);
      expect((await rowOf(world, 'open')).status).toBe('FORGOTTEN');
    });

    test('asks the provider again where the job was run again meanwhile: none of its copies stays', async () => {
      await settleBeforeClose('again');
      await handleOf(world, 'again').terminate('its end');
      const erased: string[][] = [];
      const forgetCopies: ProviderCopies['forget'] = async ({ callIds }) => {
        erased.push(callIds);
        if (erased.length === 1) await reopen('again', 'the answer');
      };
      const { jobs } = listen({ provider: { forget: forgetCopies } });
      await jobs.forget('again');
      expect(erased).toEqual([[], ['again-0']]);
      expect((await rowOf(world, 'again')).status).toBe('FORGOTTEN');
    });
  });
});
