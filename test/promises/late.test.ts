import { JobCanceledError, JobFailedError, WrongStateError } from '../../src';
import type { JobRecord } from '../../src/job';
import { systemClock } from '../../src/once/clock';
import { openMemoryStore } from '../../src/store/memory';
import { until } from '../support/until';
import { startWorld, TEST_POLICY, type World } from '../support/world';
import {
  addLane,
  enrichJob,
  errorOf,
  handleOf,
  type Lane,
  RESULT,
  rowOf,
  startBare,
  untilRun,
  untilStatus,
} from './support';

describe('an answer that comes after its right to call was lost is not thrown away', () => {
  let world: World;
  let lane: Lane;
  let ahead = 0;
  beforeAll(async () => {
    world = await startWorld({ store: openMemoryStore({ now: () => Date.now() + ahead }) });
    // a worker whose timers stand still, as those of a frozen machine do: it renews no lease
    const frozen = { ...systemClock, every: () => () => undefined };
    lane = await addLane(world, 'frozen', { recovery: 'none' }, { clock: frozen });
  });
  afterAll(() => world.stop());
  afterEach(() => world.model.rules());

  /** A call under way whose run an operator terminated, and whose lease ran out. */
  const leaveCall = async (jobId: string, action: object = {}) => {
    await world.model.rules({ match: { job_id: jobId }, times: 1, do: { hold: true, ...action } });
    await lane.jobs.submit(enrichJob(jobId));
    await world.model.waitForHeld(jobId);
    await handleOf(world, jobId).terminate('by an operator');
    ahead += TEST_POLICY.leaseMs;
  };

  /** The same, found by a redelivery: in doubt, and on hold. */
  const supersede = async (jobId: string, action: object = {}) => {
    await leaveCall(jobId, action);
    expect(await lane.jobs.submit(enrichJob(jobId))).toMatchObject({ created: true, replayed: false });
    const { doubt } = await untilStatus(world, jobId, 'IN_DOUBT');
    return doubt!.token;
  };

  test('a lease that ran out is a doubt with a higher token, never a right to call again', async () => {
    await leaveCall('expired');
    const { token } = await rowOf(world, 'expired');
    await lane.jobs.submit(enrichJob('expired'));
    const record = await untilStatus(world, 'expired', 'IN_DOUBT');
    expect(record).toMatchObject({ attempts: 1, billed: 'unknown', doubt: { token: token + 1 } });
    const { requests } = await world.model.state();
    // nor does any later delivery call, or rename the doubt that an operator is deciding
    for (let delivery = 0; delivery < 3; delivery += 1) {
      const { runId } = await handleOf(world, 'expired').describe();
      await handleOf(world, 'expired').terminate('by an operator');
      expect(await lane.jobs.submit(enrichJob('expired'))).toMatchObject({ created: true });
      await until('the new run has looked', async () => {
        const handle = world.client.workflow.getHandle('expired');
        const seen = await handle.query<JobRecord>('record');
        return seen.token === record.token && (await handle.describe()).runId !== runId;
      });
    }
    expect((await rowOf(world, 'expired')).token).toBe(record.token);
    expect((await world.model.state()).requests).toBe(requests);
    await world.model.release('expired');
    await untilStatus(world, 'expired', 'COMPLETED');
    expect(world.model.billed('expired')).toBe(1);
  });

  test('while the job is on hold it completes it, and its run', async () => {
    const doubt = await supersede('held');
    await world.model.release('held');
    const record = await untilStatus(world, 'held', 'COMPLETED');
    expect(record).toMatchObject({ source: 'late', result: RESULT, attempts: 1, billed: 'yes' });
    // no time is skipped: it is the signal that wakes the run
    await untilRun(world, 'held', 'COMPLETED');
    expect(await lane.bare.run(enrichJob('held'))).toMatchObject({ source: 'late', result: RESULT });
    await errorOf(lane.jobs.resolve('held', { action: 'rerun', doubt, by: 'ann' }), WrongStateError);
    expect(world.model.billed('held')).toBe(1);
  });

  test('while the job waits to run again it completes it, and nothing more is called', async () => {
    const doubt = await supersede('rerunning');
    const headers = { 'retry-after': '1800' };
    await world.model.rules({ match: { job_id: 'rerunning' }, do: { status: 429, headers } });
    await lane.jobs.resolve('rerunning', { action: 'rerun', doubt, by: 'ann' });
    await until('the second try', async () => (await rowOf(world, 'rerunning')).attempts === 2);
    await untilStatus(world, 'rerunning', 'PENDING');
    await world.model.release('rerunning');
    await untilStatus(world, 'rerunning', 'COMPLETED');
    expect(await lane.jobs.run(enrichJob('rerunning'))).toMatchObject({ source: 'late', result: RESULT });
    const { requests } = await world.model.state();
    const { task, input } = enrichJob('rerunning');
    await handleOf(world, 'rerunning').terminate('by an operator');
    const again = await startBare(world, 'rerunning', { task, input }, 'frozen');
    expect(await again.result()).toMatchObject({ source: 'late', result: RESULT });
    expect((await world.model.state()).requests).toBe(requests);
    expect(world.model.billed('rerunning')).toBe(1);
  });

  test('of a job that was abandoned it is kept beside the record, and may be adopted', async () => {
    const doubt = await supersede('abandoned');
    const adoptLate = { action: 'adopt_late', by: 'ann' } as const;
    // there is none yet
    await errorOf(lane.jobs.resolve('abandoned', { ...adoptLate, doubt }), WrongStateError);
    await lane.jobs.resolve('abandoned', { action: 'abandon', doubt, by: 'ann' });
    const failed = await untilStatus(world, 'abandoned', 'FAILED');
    await world.model.release('abandoned');
    await until('the answer is kept', async () => (await lane.jobs.get('abandoned'))?.late_results === 1);
    expect(await lane.jobs.get('abandoned')).toMatchObject({
      status: 'FAILED',
      billed: 'yes',
      result: null,
      token: failed.token,
    });
    await errorOf(lane.jobs.run(enrichJob('abandoned')), JobFailedError);

    await lane.jobs.resolve('abandoned', { ...adoptLate, doubt: failed.token });
    expect(await lane.jobs.run(enrichJob('abandoned'))).toMatchObject({ source: 'adopted', result: RESULT });
    expect((await rowOf(world, 'abandoned')).usage!.output_tokens).toBeGreaterThan(0);
    expect(world.model.billed('abandoned')).toBe(1);
  });

  test('of a job that another call completed it is dropped: the first committed result stands', async () => {
    const doubt = await supersede('beaten', {
      content: JSON.stringify({ normalized_title: 'too late', category: 'x' }),
    });
    await lane.jobs.resolve('beaten', { action: 'rerun', doubt, by: 'ann' });
    expect((await lane.jobs.run(enrichJob('beaten'))).result).toEqual(RESULT);
    await world.model.release('beaten');
    await until('the late answer is counted', async () =>
      (await rowOf(world, 'beaten')).calls.every((call) => call.fate === 'executed'),
    );
    expect(await lane.jobs.get('beaten')).toMatchObject({ result: RESULT, source: 'inference' });
    expect((await lane.bare.run(enrichJob('beaten'))).result).toEqual(RESULT);
    expect(world.model.billed('beaten')).toBe(2);
  });

  test('a bad one settles nothing, but it is known then that it was billed', async () => {
    await leaveCall('bad', { finish_reason: 'length' });
    expect(await lane.jobs.cancel('bad')).toMatchObject({ status: 'CANCELED', billed: 'unknown' });
    await world.model.release('bad');
    await until('the call is known', async () => (await rowOf(world, 'bad')).calls[0]!.fate === 'executed');
    expect(await lane.jobs.get('bad')).toMatchObject({ status: 'CANCELED', billed: 'yes', error: null });
    await errorOf(lane.jobs.run(enrichJob('bad')), JobCanceledError);
    expect(world.model.billed('bad')).toBe(1);
  });

  test('a call that turns out not to have been executed takes its doubt away: the job runs by itself', async () => {
    await supersede('refused', { status: 429 });
    await world.model.release('refused');
    const record = await lane.jobs.run(enrichJob('refused'));
    expect(record).toMatchObject({ result: RESULT, attempts: 2, decisions: [] });
    expect(world.model.billed('refused')).toBe(1);
  });

  test('a call of a canceled job that turns out not to have been executed un-bills it: a resubmission runs it', async () => {
    await leaveCall('unbilled', { status: 429 });
    expect(await lane.jobs.cancel('unbilled')).toMatchObject({ status: 'CANCELED', billed: 'unknown' });
    await world.model.release('unbilled');
    await until('nothing was billed', async () => (await lane.jobs.get('unbilled'))?.billed === 'no');
    expect((await lane.jobs.run(enrichJob('unbilled'))).result).toEqual(RESULT);
    expect(world.model.billed('unbilled')).toBe(1);
  });
});
