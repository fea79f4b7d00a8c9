import { openMemoryStore } from '../../src/store/memory';
import { until } from '../support/until';
import { startWorld, type World } from '../support/world';
import {
  addLane,
  enrichJob,
  type Lane,
  losingAnswers,
  RESULT,
  rowOf,
  untilRun,
  untilStatus,
} from './support';

const MINUTE = 60_000;
const CALL_TIMEOUT = 10 * MINUTE;
const SETTLE = 2 * MINUTE;
const HOLD_FOR = 30 * MINUTE;

describe("a doubt is decided by the job's policy, but never while the call may still be answered", () => {
  let world: World;
  /** How far the store's clock is ahead of the wall; leases of other jobs run out with it. */
  let ahead = 0;
  const lanes: Record<string, Lane> = {};
  beforeAll(async () => {
    world = await startWorld({ store: openMemoryStore({ now: () => Date.now() + ahead }) });
    const times = { recovery: 'none', callTimeoutMs: CALL_TIMEOUT, settleMs: SETTLE } as const;
    lanes.rerun = await addLane(world, 'rerun', { ...times, onUnknown: 'rerun' });
    lanes.fail = await addLane(world, 'fail', { ...times, onUnknown: 'fail' });
    const holds = { ...times, onUnknown: 'hold', holdForMs: HOLD_FOR } as const;
    lanes.thenFail = await addLane(world, 'then-fail', { ...holds, holdThen: 'fail' });
    lanes.thenRerun = await addLane(world, 'then-rerun', { ...holds, holdThen: 'rerun' });
  });
  afterAll(() => world.stop());
  afterEach(() => world.model.rules());

  const submitLosing = async (lane: Lane, jobId: string, times = 1) => {
    await world.model.rules(losingAnswers(jobId, times));
    await lane.jobs.submit(enrichJob(jobId));
    await untilDoubt(jobId, 1);
  };

  /** Waits for the run to wait, after so many claims; a timer of it is then set. */
  const untilDoubt = (jobId: string, attempts: number) =>
    until(`doubt ${attempts} of ${jobId}`, async () => {
      const { job } = await world.store.read(jobId);
      if (job?.status !== 'IN_DOUBT' || job.attempts !== attempts) return false;
      const seen = await world.client.workflow.getHandle(jobId).query<{ token: number } | null>('record');
      return seen?.token === job.token;
    });

  /** Lets time go by for the store and for Temporal, which looks at a hold no later than every hour. */
  const pass = async (ms: number) => {
    ahead += ms;
    await world.env!.sleep('61 minutes');
  };

  test('rerun: once, after the call could still be answered; then it holds', async () => {
    await submitLosing(lanes.rerun!, 'rerun', 2);
    expect(await lanes.rerun!.jobs.get('rerun')).toMatchObject({ doubt: { recovering: true } });
    await pass(CALL_TIMEOUT + SETTLE - MINUTE);
    expect(await rowOf(world, 'rerun')).toMatchObject({ status: 'IN_DOUBT', attempts: 1 });
    expect(world.model.billed('rerun')).toBe(1);

    await pass(MINUTE);
    await untilDoubt('rerun', 2);
    expect(world.model.billed('rerun')).toBe(2);

    await pass(24 * 60 * MINUTE);
    const row = await rowOf(world, 'rerun');
    expect(row).toMatchObject({ status: 'IN_DOUBT', attempts: 2, doubt: { recovering: false } });
    expect(row.decisions).toMatchObject([{ action: 'rerun', by: 'policy' }]);
    expect(world.model.billed('rerun')).toBe(2);
  });

  test('rerun, and the second call is answered: the job completes', async () => {
    await submitLosing(lanes.rerun!, 'rerun-ok');
    await pass(CALL_TIMEOUT + SETTLE);
    const record = await untilStatus(world, 'rerun-ok', 'COMPLETED');
    expect(record).toMatchObject({ result: RESULT, attempts: 2, source: 'inference' });
    expect(world.model.billed('rerun-ok')).toBe(2);
  });

  test('fail: FAILED as outcome_unknown, billed unknown', async () => {
    await submitLosing(lanes.fail!, 'fail');
    await pass(CALL_TIMEOUT + SETTLE - MINUTE);
    expect((await rowOf(world, 'fail')).status).toBe('IN_DOUBT');
    await pass(MINUTE);
    const record = await untilStatus(world, 'fail', 'FAILED');
    expect(record).toMatchObject({ error: { code: 'outcome_unknown' }, billed: 'unknown' });
    expect(record.decisions).toMatchObject([{ action: 'fail', by: 'policy' }]);
    await untilRun(world, 'fail', 'FAILED');
    expect(world.model.billed('fail')).toBe(1);
  });

  test('a hold with an end that nobody used: then fail', async () => {
    await submitLosing(lanes.thenFail!, 'then-fail');
    await pass(CALL_TIMEOUT + SETTLE + HOLD_FOR - MINUTE);
    const shown = await lanes.thenFail!.jobs.get('then-fail');
    expect(shown).toMatchObject({ status: 'IN_DOUBT', doubt: { recovering: false } });
    await pass(MINUTE);
    expect(await untilStatus(world, 'then-fail', 'FAILED')).toMatchObject({
      error: { code: 'outcome_unknown' },
    });
    expect(world.model.billed('then-fail')).toBe(1);
  });

  test('a hold with an end that nobody used: then rerun', async () => {
    await submitLosing(lanes.thenRerun!, 'then-rerun');
    await pass(CALL_TIMEOUT + SETTLE + HOLD_FOR - MINUTE);
    expect((await rowOf(world, 'then-rerun')).status).toBe('IN_DOUBT');
    await pass(MINUTE);
    expect(await untilStatus(world, 'then-rerun', 'COMPLETED')).toMatchObject({
      result: RESULT,
      attempts: 2,
    });
    expect(world.model.billed('then-rerun')).toBe(2);
  });
});
