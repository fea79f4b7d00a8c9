import { InvalidInputError, JobFailedError, JobInDoubtError, WrongStateError } from '../../src';
import { decide } from '../../src/once/rules/decide';
import type { ResolveRequest } from '../../src/workflows/contract';
import { startWorld, type World } from '../support/world';
import {
  addLane,
  enrichJob,
  errorOf,
  handleOf,
  type Lane,
  losingAnswers,
  putOnHold,
  RESULT,
  rowOf,
  untilRun,
  untilStatus,
} from './support';

const ADOPTED = { normalized_title: 'Alien', category: 'Horror' };

describe('a job in doubt stops and asks', () => {
  let world: World;
  let lane: Lane;
  beforeAll(async () => {
    world = await startWorld();
    lane = await addLane(world, 'none', { recovery: 'none' });
  });
  afterAll(() => world.stop());
  afterEach(() => world.model.rules());

  const hold = async (jobId: string) => (await putOnHold(world, lane, jobId)).doubt!.token;

  test('waiters are told, with the record and the way to settle it', async () => {
    await hold('asked');
    const error = await errorOf(lane.jobs.run(enrichJob('asked')), JobInDoubtError);
    expect(error.message).toContain('infer-once resolve asked');
    expect(error.record).toMatchObject({ status: 'IN_DOUBT', billed: 'unknown', attempts: 1 });
    await errorOf(lane.bare.run(enrichJob('asked')), JobInDoubtError);
    await world.env!.sleep('5 hours');
    // however long: nobody but a person runs it again
    expect(await rowOf(world, 'asked')).toMatchObject({ status: 'IN_DOUBT', attempts: 1 });
    expect(world.model.billed('asked')).toBe(1);
  });

  test.each(['jobs', 'bare'] as const)('rerun, by %s: it runs once more and completes', async (kind) => {
    const jobId = `rerun-${kind}`;
    const doubt = await hold(jobId);
    const decided = await lane[kind].resolve(jobId, { action: 'rerun', doubt, by: 'ann' });
    expect(decided.decisions).toMatchObject([{ action: 'rerun', doubt, by: 'ann' }]);
    expect((await lane[kind].run(enrichJob(jobId))).result).toEqual(RESULT);
    expect(world.model.billed(jobId)).toBe(2);
  });

  test('all through the call of a rerun a client without a store sees no doubt any more', async () => {
    const doubt = await hold('rerunning');
    await world.model.rules({ match: { job_id: 'rerunning' }, do: { hold: true } });
    await lane.bare.resolve('rerunning', { action: 'rerun', doubt, by: 'ann' });
    await world.model.waitForHeld('rerunning');
    expect(await lane.bare.get('rerunning')).toMatchObject({ status: 'PENDING', doubt: null });
    const waiter = lane.bare.run(enrichJob('rerunning'));
    await world.model.release('rerunning');
    expect((await waiter).result).toEqual(RESULT);
  });

  test('adopt: the given result is the answer, and nothing is called', async () => {
    const doubt = await hold('adopt');
    await lane.jobs.resolve('adopt', { action: 'adopt', doubt, by: 'ann', result: ADOPTED });
    const record = await lane.jobs.run(enrichJob('adopt'));
    expect(record).toMatchObject({ status: 'COMPLETED', source: 'adopted', result: ADOPTED });
    expect((await lane.bare.run(enrichJob('adopt'))).result).toEqual(ADOPTED);
    expect(world.model.billed('adopt')).toBe(1);
  });

  test("adopt of a result off the task's schema is refused, and nothing changes", async () => {
    const doubt = await hold('off-schema');
    const before = await rowOf(world, 'off-schema');
    const result = { normalized_title: 7 };
    const refused = lane.jobs.resolve('off-schema', { action: 'adopt', doubt, by: 'ann', result });
    expect((await errorOf(refused, InvalidInputError)).message).toContain('normalized_title');
    expect(await rowOf(world, 'off-schema')).toEqual(before);
  });

  test('abandon: FAILED, and only retry runs it again', async () => {
    const doubt = await hold('abandon');
    await lane.jobs.resolve('abandon', { action: 'abandon', doubt, by: 'ann' });
    const { record } = await errorOf(lane.jobs.run(enrichJob('abandon')), JobFailedError);
    expect(record).toMatchObject({ error: { code: 'abandoned' }, billed: 'unknown' });
    await untilRun(world, 'abandon', 'FAILED');
    expect(world.model.billed('abandon')).toBe(1);
    expect((await lane.jobs.retry('abandon', {})).result).toEqual(RESULT);
    expect(world.model.billed('abandon')).toBe(2);
  });

  test('adopt is also taken on a failed job, naming its token', async () => {
    const doubt = await hold('adopt-failed');
    const { token } = await lane.jobs.resolve('adopt-failed', { action: 'abandon', doubt, by: 'ann' });
    await untilRun(world, 'adopt-failed', 'FAILED');
    const adopt = { action: 'adopt', by: 'ann', result: ADOPTED } as const;
    await errorOf(lane.jobs.resolve('adopt-failed', { ...adopt, doubt }), WrongStateError);
    await lane.jobs.resolve('adopt-failed', { ...adopt, doubt: token });
    expect(await lane.jobs.run(enrichJob('adopt-failed'))).toMatchObject({ result: ADOPTED });
    await untilRun(world, 'adopt-failed', 'COMPLETED');
    expect(world.model.billed('adopt-failed')).toBe(1);
  });

  test('a decision that names an old doubt answers no new one, and changes nothing', async () => {
    const first = await hold('old-doubt');
    await world.model.rules(losingAnswers('old-doubt'));
    await lane.jobs.resolve('old-doubt', { action: 'rerun', doubt: first, by: 'ann' });
    await untilStatus(world, 'old-doubt', 'IN_DOUBT');
    const before = await rowOf(world, 'old-doubt');
    expect(before.token).toBeGreaterThan(first);
    for (const action of ['rerun', 'abandon'] as const) {
      const late = lane.jobs.resolve('old-doubt', { action, doubt: first, by: 'ben' });
      expect((await errorOf(late, WrongStateError)).message).toContain(String(before.token));
    }
    expect(await rowOf(world, 'old-doubt')).toEqual(before);
    expect(world.model.billed('old-doubt')).toBe(2);
  });

  test('a decision on a job that is not in doubt is refused', async () => {
    const { token } = await lane.jobs.run(enrichJob('done'));
    for (const action of ['rerun', 'abandon'] as const) {
      await errorOf(lane.jobs.resolve('done', { action, doubt: token, by: 'ann' }), WrongStateError);
    }
    expect(await rowOf(world, 'done')).toMatchObject({ status: 'COMPLETED', token, decisions: [] });
  });

  test('a decision that names no doubt is refused by the validator, before it enters history', async () => {
    await hold('unnamed');
    const before = await rowOf(world, 'unnamed');
    const unnamed = { action: 'rerun', by: 'ann' } as unknown as ResolveRequest;
    await errorOf(lane.jobs.resolve('unnamed', unnamed), InvalidInputError);
    await expect(handleOf(world, 'unnamed').executeUpdate('resolve', { args: [unnamed] })).rejects.toThrow();
    expect(await rowOf(world, 'unnamed')).toEqual(before);
    const { events } = await handleOf(world, 'unnamed').fetchHistory();
    expect(events!.filter((event) => event.workflowExecutionUpdateAcceptedEventAttributes)).toEqual([]);
  });

  test.each([
    ['rerun', 'jobs'],
    ['rerun', 'bare'],
    ['adopt', 'jobs'],
    ['abandon', 'jobs'],
  ] as const)('%s by %s, after an operator terminated the run', async (action, kind) => {
    const jobId = `terminated-${action}-${kind}`;
    const doubt = await hold(jobId);
    await handleOf(world, jobId).terminate('by an operator');
    await lane[kind].resolve(jobId, { action, doubt, by: 'ann', result: ADOPTED });
    if (action === 'abandon') {
      await errorOf(lane.jobs.run(enrichJob(jobId)), JobFailedError);
      await untilRun(world, jobId, 'FAILED');
    } else {
      const result = action === 'adopt' ? ADOPTED : RESULT;
      expect((await lane.jobs.run(enrichJob(jobId))).result).toEqual(result);
      await untilRun(world, jobId, 'COMPLETED');
    }
    expect(world.model.billed(jobId)).toBe(action === 'rerun' ? 2 : 1);
  });

  test('of decisions that race each other exactly one is applied', async () => {
    const doubt = await hold('race');
    const requests: ResolveRequest[] = Array.from({ length: 9 }, (_, n) => ({
      action: (['rerun', 'adopt', 'abandon'] as const)[n % 3]!,
      doubt,
      by: `operator-${n}`,
      result: ADOPTED,
    }));
    const ends = await Promise.allSettled(
      requests.map((request, n) => (n % 2 ? lane.jobs : lane.bare).resolve('race', request)),
    );
    const applied = ends.flatMap((end, n) => (end.status === 'fulfilled' ? [n] : []));
    expect(applied).toHaveLength(1);
    for (const end of ends) {
      if (end.status === 'rejected') expect(end.reason).toBeInstanceOf(WrongStateError);
    }
    const { decisions } = await rowOf(world, 'race');
    expect(decisions).toMatchObject([{ by: `operator-${applied[0]}` }]);
  });

  test('whoever asks again for the decision that counted is answered as the first time', async () => {
    const doubt = await hold('again');
    await world.model.rules({ match: { job_id: 'again' }, do: { hold: true } });
    const rerun = { action: 'rerun', doubt, by: 'ann' } as const;
    await lane.jobs.resolve('again', rerun);
    await world.model.waitForHeld('again');
    const { token, decisions } = await rowOf(world, 'again');
    expect(await lane.jobs.resolve('again', rerun)).toMatchObject({ status: 'IN_PROGRESS', token });
    await errorOf(lane.jobs.resolve('again', { ...rerun, by: 'ben' }), WrongStateError);
    expect(await rowOf(world, 'again')).toMatchObject({ token, decisions });
    await world.model.release('again');
    expect((await lane.jobs.run(enrichJob('again'))).result).toEqual(RESULT);
    // also where the run has closed, and takes no update any more
    await untilRun(world, 'again', 'COMPLETED');
    expect(await lane.jobs.resolve('again', rerun)).toMatchObject({ status: 'COMPLETED', result: RESULT });
    await errorOf(lane.jobs.resolve('again', { ...rerun, by: 'ben' }), WrongStateError);
    expect(world.model.billed('again')).toBe(2);
  });

  test('a hold wakes by the signal `settled` when somebody settles the record from outside', async () => {
    const doubt = await hold('signal');
    await world.store.update('signal', decide({ action: 'adopt', doubt, by: 'outside', result: ADOPTED }));
    // no time is skipped here: the run's own next look is a minute away
    await handleOf(world, 'signal').signal('settled');
    await untilRun(world, 'signal', 'COMPLETED');
    expect(await handleOf(world, 'signal').result()).toMatchObject({ result: ADOPTED });
  });

  test('a hold that no signal reaches looks again by itself', async () => {
    const doubt = await hold('looks');
    await world.store.update('looks', decide({ action: 'abandon', doubt, by: 'outside' }));
    await world.env!.sleep('70 seconds');
    await untilRun(world, 'looks', 'FAILED');
  });
});
