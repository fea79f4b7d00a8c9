import { InputMismatchError, JobClient, JobFailedError } from '../../src';
import { openMemoryStore } from '../../src/store/memory';
import { startWorld, type World } from '../support/world';
import { enrichJob, errorOf, handleOf, RESULT, rowOf, runStatus, startBare, untilRun } from './support';

describe('a settled job answers without Temporal, and after its history is gone', () => {
  /** Where the jobs ran. */
  let world: World;
  /** Another Temporal with the same store, which has never heard of them. */
  let fresh: World;
  beforeAll(async () => {
    world = await startWorld();
    fresh = await startWorld({ store: world.store });
    await Promise.all([world.addWorker(), fresh.addWorker()]);
  });
  afterAll(async () => {
    await fresh.stop();
    await world.stop();
  });

  test('from the store: no call, no workflow, no write', async () => {
    const first = await world.jobs.run(enrichJob('done'));
    const before = await rowOf(world, 'done');
    expect(await fresh.jobs.submit(enrichJob('done'))).toMatchObject({
      status: 'COMPLETED',
      created: false,
      replayed: true,
      result: first.result,
    });
    expect(await fresh.jobs.run(enrichJob('done'))).toMatchObject({ result: first.result });
    await errorOf(fresh.jobs.run(enrichJob('done', { title: 'other' })), InputMismatchError);
    expect(await runStatus(fresh, 'done')).toBeNull();
    expect(await rowOf(world, 'done')).toEqual(before);
    expect(world.model.billed('done') + fresh.model.billed('done')).toBe(1);
  });

  test('a failure that was paid for, too', async () => {
    await world.model.rules({ match: { job_id: 'paid' }, do: { finish_reason: 'length' } });
    await errorOf(world.jobs.run(enrichJob('paid')), JobFailedError);
    const { record } = await errorOf(fresh.jobs.run(enrichJob('paid')), JobFailedError);
    expect(record).toMatchObject({ error: { code: 'truncated' }, billed: 'yes' });
    expect(await runStatus(fresh, 'paid')).toBeNull();
    expect(fresh.model.billed('paid')).toBe(0);
  });

  test('a workflow that is started all the same asks the store and calls nobody', async () => {
    await world.jobs.run(enrichJob('started'));
    const { task, input } = enrichJob('started');
    const run = await startBare(fresh, 'started', { task, input });
    expect(await run.result()).toMatchObject({ status: 'COMPLETED', result: RESULT });
    expect(await fresh.bare.run(enrichJob('started'))).toMatchObject({ result: RESULT });
    expect(fresh.model.billed('started')).toBe(0);
  });

  test('retry works on the input kept beside the record', async () => {
    await world.model.rules({ match: { job_id: 'again' }, times: 1, do: { finish_reason: 'length' } });
    await errorOf(world.jobs.run(enrichJob('again')), JobFailedError);
    expect((await fresh.jobs.retry('again', {})).result).toEqual(RESULT);
    expect([world.model.billed('again'), fresh.model.billed('again')]).toEqual([1, 1]);
  });

  test('a client without a store is answered by the run that Temporal still has', async () => {
    await world.bare.run(enrichJob('bare'));
    await untilRun(world, 'bare', 'COMPLETED');
    const { runId } = await handleOf(world, 'bare').describe();
    expect(await world.bare.submit(enrichJob('bare'))).toMatchObject({
      created: false,
      replayed: true,
      result: RESULT,
    });
    expect(await world.bare.run(enrichJob('bare'))).toMatchObject({ result: RESULT });
    expect((await handleOf(world, 'bare').describe()).runId).toBe(runId);
    expect(world.model.billed('bare')).toBe(1);
  });

  test('a store that lost its record takes it over from the run that completed', async () => {
    await world.bare.run(enrichJob('restored'));
    await untilRun(world, 'restored', 'COMPLETED');
    const store = openMemoryStore();
    const jobs = new JobClient({ client: world.client, store });
    expect(await jobs.run(enrichJob('restored'))).toMatchObject({ status: 'COMPLETED', result: RESULT });
    expect((await store.read('restored')).job).toMatchObject({ status: 'COMPLETED', billed: 'yes' });
    expect(world.model.billed('restored')).toBe(1);
  });
});
