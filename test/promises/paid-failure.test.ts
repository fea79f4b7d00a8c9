import { JobFailedError, WrongStateError } from '../../src';
import type { RuleAction } from '../../src/dev/offline/protocol';
import { startWorld, type World } from '../support/world';
import {
  addLane,
  enrichJob,
  errorOf,
  type Lane,
  putOnHold,
  RESULT,
  rowOf,
  startBare,
  untilRun,
  untilStatus,
} from './support';

const TRUNCATED: RuleAction = { finish_reason: 'length' };

describe('a bad answer that was paid for is not bought again by a redelivery', () => {
  let world: World;
  let none: Lane;
  beforeAll(async () => {
    world = await startWorld();
    await world.addWorker();
    none = await addLane(world, 'none', { recovery: 'none' });
  });
  afterAll(() => world.stop());
  afterEach(() => world.model.rules());

  const spoil = (job_id: string, action: RuleAction) =>
    world.model.rules({ match: { job_id }, times: 1, do: action });

  const fail = async (jobId: string, action: RuleAction = TRUNCATED) => {
    await spoil(jobId, action);
    const { record } = await errorOf(world.jobs.run(enrichJob(jobId)), JobFailedError);
    return record!;
  };

  const faults: [string, RuleAction][] = [
    ['truncated', TRUNCATED],
    ['output_invalid', { content: '{"normalized_title": 5, "category": "x"}' }],
    ['output_invalid', { content: 'I would say it is Alien.' }],
    ['refused', { refusal: 'I do not enrich films.' }],
  ];
  test.each(
    faults.flatMap(([code, action], n) => [
      [code, 'jobs' as const, `${code}-${n}-jobs`, action] as const,
      [code, 'bare' as const, `${code}-${n}-bare`, action] as const,
    ]),
  )(
    '%s: FAILED, billed yes, and every duplicate by %s gets that failure (%s)',
    async (code, kind, jobId, action) => {
      await spoil(jobId, action);
      const { record } = await errorOf(world[kind].run(enrichJob(jobId)), JobFailedError);
      expect(record).toMatchObject({ status: 'FAILED', billed: 'yes', error: { code }, result: null });
      expect(record!.usage!.output_tokens).toBeGreaterThan(0);
      expect((await rowOf(world, jobId)).calls[0]!.raw).toBeDefined();

      // the model would answer well now
      await untilRun(world, jobId, 'FAILED');
      const again = await world[kind].submit(enrichJob(jobId));
      expect(again).toMatchObject({ created: false, replayed: true, token: record!.token, error: { code } });
      const duplicate = await errorOf(world[kind].run(enrichJob(jobId)), JobFailedError);
      expect(duplicate.record).toMatchObject({ error: { code }, attempts: 1 });
      expect(world.model.billed(jobId)).toBe(1);
    },
  );

  test('nor by a bare Temporal client that starts the workflow again', async () => {
    await fail('bare-again');
    await untilRun(world, 'bare-again', 'FAILED');
    const { task, input } = enrichJob('bare-again');
    const run = await startBare(world, 'bare-again', { task, input });
    await expect(run.result()).rejects.toMatchObject({ cause: { type: 'truncated' } });
    expect(world.model.billed('bare-again')).toBe(1);
  });

  test.each(['jobs', 'bare'] as const)(
    'only retry runs it again, and its waiter does not take the old failure for the answer (%s)',
    async (kind) => {
      const jobId = `retry-${kind}`;
      const { token } = await fail(jobId);
      await world.model.rules({ match: { job_id: jobId }, do: { hold: true } });
      const waiter = world[kind].retry(jobId, {});
      await world.model.waitForHeld(jobId);
      expect(await rowOf(world, jobId)).toMatchObject({ status: 'IN_PROGRESS', generation: 2, error: null });
      await world.model.release(jobId);
      const record = await waiter;
      expect(record).toMatchObject({ status: 'COMPLETED', result: RESULT, attempts: 2 });
      expect(record.token).toBeGreaterThan(token);
      expect(world.model.billed(jobId)).toBe(2);
    },
  );

  test('each generation is another call to a gateway that honours Idempotency-Key', async () => {
    await fail('keyed');
    await world.jobs.retry('keyed', {});
    const keys = world.model
      .ledger()
      .flatMap((entry) =>
        entry.phase === 'billed' && entry.job_id === 'keyed' ? [entry.idempotency_key] : [],
      );
    expect(keys).toEqual([`${world.store.id}/keyed/1`, `${world.store.id}/keyed/2`]);
  });

  test('a permit to retry is good once: the same start again answers with the record', async () => {
    const { token } = await fail('permit');
    await untilRun(world, 'permit', 'FAILED');
    const { task, input } = enrichJob('permit');
    const arg = { task, input, reopen: { token, paid: true } };
    await spoil('permit', TRUNCATED);
    await expect((await startBare(world, 'permit', arg)).result()).rejects.toThrow();
    expect(world.model.billed('permit')).toBe(2);
    await expect((await startBare(world, 'permit', arg)).result()).rejects.toMatchObject({
      cause: { type: 'truncated' },
    });
    // nor does a permit without `paid`, as a submission has it, open what was billed
    const now = await rowOf(world, 'permit');
    const unpaid = { task, input, reopen: { token: now.token } };
    await expect((await startBare(world, 'permit', unpaid)).result()).rejects.toThrow();
    expect(world.model.billed('permit')).toBe(2);
  });

  test('retry of a running job joins it', async () => {
    await world.model.rules({ match: { job_id: 'running' }, do: { hold: true } });
    await world.jobs.submit(enrichJob('running'));
    await world.model.waitForHeld('running');
    const waiters = [world.jobs.retry('running', {}), world.bare.retry('running', {})];
    expect(await world.jobs.retry('running')).toMatchObject({ status: 'IN_PROGRESS', attempts: 1 });
    await world.model.release('running');
    for (const record of await Promise.all(waiters)) expect(record.result).toEqual(RESULT);
    expect(world.model.billed('running')).toBe(1);
  });

  test('retry of a job in doubt is refused: that is for resolve', async () => {
    await putOnHold(world, none, 'doubted');
    const before = await rowOf(world, 'doubted');
    for (const jobs of [none.jobs, none.bare]) {
      expect((await errorOf(jobs.retry('doubted'), WrongStateError)).message).toContain('resolve');
    }
    expect(await rowOf(world, 'doubted')).toEqual(before);
    expect(world.model.billed('doubted')).toBe(1);
  });

  test('retry of a completed job answers with its record', async () => {
    await world.jobs.run(enrichJob('done'));
    await untilStatus(world, 'done', 'COMPLETED');
    const before = await rowOf(world, 'done');
    for (const kind of ['jobs', 'bare'] as const) {
      expect(await world[kind].retry('done', {})).toMatchObject({ status: 'COMPLETED', result: RESULT });
    }
    expect(await rowOf(world, 'done')).toEqual(before);
    expect(world.model.billed('done')).toBe(1);
  });
});
