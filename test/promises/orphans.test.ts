import { InputMismatchError } from '../../src';
import { until } from '../support/until';
import { startWorld, type World } from '../support/world';
import {
  enrichJob,
  errorOf,
  handleOf,
  RESULT,
  rowOf,
  runStatus,
  untilRun,
  untilStatus,
  writeOrphan,
} from './support';

describe('a record alone never means that something runs', () => {
  let world: World;
  beforeAll(async () => {
    world = await startWorld();
    await world.addWorker();
  });
  afterAll(() => world.stop());
  afterEach(() => world.model.rules());

  test('a submitter that dies between its row and its start leaves a PENDING row and no run', async () => {
    await writeOrphan(world, 'left');
    expect(await rowOf(world, 'left')).toMatchObject({ status: 'PENDING', attempts: 0, billed: 'no' });
    expect(await runStatus(world, 'left')).toBeNull();
  });

  test('the next submission starts it', async () => {
    await writeOrphan(world, 'submitted');
    expect(await world.jobs.submit(enrichJob('submitted'))).toMatchObject({ created: true, replayed: false });
    await untilStatus(world, 'submitted', 'COMPLETED');
    expect(world.model.billed('submitted')).toBe(1);
  });

  test('another input still is a mismatch, and starts nothing', async () => {
    await writeOrphan(world, 'other');
    await errorOf(world.jobs.submit(enrichJob('other', { title: 'x' })), InputMismatchError);
    expect(await runStatus(world, 'other')).toBeNull();
  });

  test('a client without a store starts it by its own submission', async () => {
    await writeOrphan(world, 'bare');
    expect((await world.bare.run(enrichJob('bare'))).result).toEqual(RESULT);
    expect(world.model.billed('bare')).toBe(1);
  });

  test('a waiter starts it', async () => {
    await writeOrphan(world, 'waited');
    expect((await world.jobs.wait('waited')).result).toEqual(RESULT);
    expect(world.model.billed('waited')).toBe(1);
  });

  test('retry starts it', async () => {
    await writeOrphan(world, 'retried');
    expect((await world.jobs.retry('retried', {})).result).toEqual(RESULT);
    expect(world.model.billed('retried')).toBe(1);
  });

  test('twenty of them at once start one run', async () => {
    await writeOrphan(world, 'many');
    const acts = Array.from({ length: 20 }, (_, n) =>
      n % 2 ? world.jobs.wait('many') : world.jobs.run(enrichJob('many')),
    );
    for (const record of await Promise.all(acts)) expect(record.result).toEqual(RESULT);
    expect(world.model.billed('many')).toBe(1);
  });

  test('a look at it (get) starts nothing', async () => {
    await writeOrphan(world, 'looked');
    expect(await world.jobs.get('looked')).toMatchObject({ status: 'PENDING' });
    expect(await runStatus(world, 'looked')).toBeNull();
  });

  test.each(['jobs', 'bare'] as const)(
    'a run that an operator terminates while it backs off is started again by a waiter (%s)',
    async (kind) => {
      const jobId = `terminated-${kind}`;
      const headers = { 'retry-after': '3600' };
      await world.model.rules({ match: { job_id: jobId }, times: 1, do: { status: 429, headers } });
      await world[kind].submit(enrichJob(jobId));
      await until('the first try', async () => {
        const row = await world.store.read(jobId);
        return row.job?.status === 'PENDING' && row.job.attempts === 1;
      });
      const { runId } = await handleOf(world, jobId).describe();
      await handleOf(world, jobId).terminate('by an operator');
      const record = await world[kind].wait(jobId);
      expect(record).toMatchObject({ status: 'COMPLETED', result: RESULT, attempts: 2 });
      expect((await handleOf(world, jobId).describe()).runId).not.toBe(runId);
      expect(world.model.billed(jobId)).toBe(1);
    },
  );

  // last: in this server a call whose run was terminated locks the skipping of time for good
  test('a run that an operator terminates in mid-call: its waiter gets the answer of that one call', async () => {
    await world.model.rules({ match: { job_id: 'mid-wait' }, do: { hold: true } });
    const waiter = world.jobs.run(enrichJob('mid-wait'));
    await world.model.waitForHeld('mid-wait');
    await handleOf(world, 'mid-wait').terminate('by an operator');
    await untilRun(world, 'mid-wait', 'RUNNING');
    await world.model.release('mid-wait');
    expect(await waiter).toMatchObject({ status: 'COMPLETED', result: RESULT, attempts: 1 });
    expect(world.model.billed('mid-wait')).toBe(1);
  });
});
