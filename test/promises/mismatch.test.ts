import { WorkflowFailedError } from '@temporalio/client';
import { InputMismatchError, JobClient, JobFailedError } from '../../src';
import { startWorld, type World } from '../support/world';
import {
  addLane,
  enrichJob,
  errorOf,
  handleOf,
  type Lane,
  putOnHold,
  RESULT,
  rowOf,
  startBare,
  untilStatus,
} from './support';

const OTHER = { title: 'another film' };

describe('the same job_id with another input is an error, and leaves the record untouched', () => {
  let world: World;
  let none: Lane;
  beforeAll(async () => {
    world = await startWorld();
    await world.addWorker();
    none = await addLane(world, 'none', { recovery: 'none' });
  });
  afterAll(() => world.stop());
  afterEach(() => world.model.rules());

  const kinds = ['jobs', 'bare'] as const;

  /** The row but for the lease, which its owner renews. */
  const steadyRow = async (jobId: string) => {
    const { lease_until, updated_at, ...row } = await rowOf(world, jobId);
    return row;
  };

  const complete = async (jobId: string) => void (await world.jobs.run(enrichJob(jobId)));
  const fail = async (jobId: string) => {
    await world.model.rules({ match: { job_id: jobId }, do: { finish_reason: 'length' } });
    await errorOf(world.jobs.run(enrichJob(jobId)), JobFailedError);
  };
  const hold = async (jobId: string) => void (await putOnHold(world, none, jobId));

  describe.each([
    ['completed', complete],
    ['failed', fail],
    ['in doubt', hold],
  ])('%s', (state, bring) => {
    test.each(kinds)('for the client kind %s', async (kind) => {
      const jobId = `${state.replace(' ', '-')}-${kind}`;
      await bring(jobId);
      const before = await rowOf(world, jobId);
      const billed = world.model.billed(jobId);
      const error = await errorOf(world[kind].submit(enrichJob(jobId, OTHER)), InputMismatchError);
      expect(error).toMatchObject({ jobId, code: 'input_mismatch' });
      await errorOf(world[kind].run(enrichJob(jobId, OTHER)), InputMismatchError);
      await errorOf(
        world[kind].run({ job_id: jobId, task: 'prompt', input: { prompt: 'x' } }),
        InputMismatchError,
      );
      expect(await rowOf(world, jobId)).toEqual(before);
      expect(world.model.billed(jobId)).toBe(billed);
    });
  });

  test('in mid-call, for a client with the store at once', async () => {
    await world.model.rules({ match: { job_id: 'calling' }, do: { hold: true } });
    await world.jobs.submit(enrichJob('calling'));
    await world.model.waitForHeld('calling');
    const before = await steadyRow('calling');
    await errorOf(world.jobs.run(enrichJob('calling', OTHER)), InputMismatchError);
    expect(await steadyRow('calling')).toEqual(before);
    await world.model.release('calling');
    expect((await world.jobs.run(enrichJob('calling'))).result).toEqual(RESULT);
    expect(world.model.billed('calling')).toBe(1);
  });

  test('in mid-call, for a client without a store once the call is over', async () => {
    await world.model.rules({ match: { job_id: 'calling-bare' }, do: { hold: true } });
    await world.bare.submit(enrichJob('calling-bare'));
    await world.model.waitForHeld('calling-bare');
    const before = await steadyRow('calling-bare');
    const refused = errorOf(world.bare.run(enrichJob('calling-bare', OTHER)), InputMismatchError);
    expect(await steadyRow('calling-bare')).toEqual(before);
    await world.model.release('calling-bare');
    await refused;
    expect((await world.bare.run(enrichJob('calling-bare'))).result).toEqual(RESULT);
    expect(world.model.billed('calling-bare')).toBe(1);
  });

  test('while it waits for a worker', async () => {
    const job = enrichJob('waiting');
    const { client, store } = world;
    const early = new JobClient({ client, store, taskQueue: 'later' });
    await early.submit(job);
    const before = await rowOf(world, 'waiting');
    expect(before.status).toBe('PENDING');
    await errorOf(early.submit(enrichJob('waiting', OTHER)), InputMismatchError);
    expect(await rowOf(world, 'waiting')).toEqual(before);
    const later = await addLane(world, 'later');
    const refused = errorOf(later.bare.submit(enrichJob('waiting', OTHER)), InputMismatchError);
    expect((await later.bare.run(job)).result).toEqual(RESULT);
    await refused;
    expect(world.model.billed('waiting')).toBe(1);
  });

  test('a bare Temporal client with another input against a finished job: its run fails as input_mismatch, the first answer stands', async () => {
    await complete('bare-late');
    const before = await rowOf(world, 'bare-late');
    const handle = await startBare(world, 'bare-late', { task: 'enrich', input: OTHER });
    const error = await errorOf(handle.result(), WorkflowFailedError);
    expect(error.cause).toMatchObject({ type: 'input_mismatch', nonRetryable: true });
    expect(await rowOf(world, 'bare-late')).toEqual(before);
    for (const kind of kinds) {
      expect(await world[kind].run(enrichJob('bare-late'))).toMatchObject({
        result: RESULT,
        completed_at: new Date(before.completed_at!).toISOString(),
      });
    }
    expect(await rowOf(world, 'bare-late')).toEqual(before);
    expect(world.model.billed('bare-late')).toBe(1);
  });

  test('a bare Temporal client in mid-call of another input joins nothing: its own start is refused by Temporal', async () => {
    await world.model.rules({ match: { job_id: 'bare-mid' }, do: { hold: true } });
    await world.jobs.submit(enrichJob('bare-mid'));
    await world.model.waitForHeld('bare-mid');
    await expect(startBare(world, 'bare-mid', { task: 'enrich', input: OTHER })).rejects.toThrow(/already/i);
    await world.model.release('bare-mid');
    await world.jobs.run(enrichJob('bare-mid'));
    expect(world.model.billed('bare-mid')).toBe(1);
  });

  test('the order of keys is no difference, in either client', async () => {
    await world.jobs.run(enrichJob('keys', { title: 'Alien', category: 'Horror' }));
    const turned = enrichJob('keys', { category: 'Horror', title: 'Alien' });
    expect(await world.jobs.submit(turned)).toMatchObject({ replayed: true });
    expect(await world.bare.submit(turned)).toMatchObject({ replayed: true });
    const run = await startBare(world, 'keys', { task: 'enrich', input: turned.input });
    expect(await run.result()).toMatchObject({ status: 'COMPLETED' });
    expect(world.model.billed('keys')).toBe(1);
  });

  test.each(kinds)(
    'an input that was refused before any claim may be corrected under the same id, by %s',
    async (kind) => {
      const jobId = `corrected-${kind}`;
      const { record } = await errorOf(world[kind].run(enrichJob(jobId, { title: '' })), JobFailedError);
      expect(record).toMatchObject({ error: { code: 'invalid_input' }, billed: 'no', attempts: 0 });
      expect((await world[kind].run(enrichJob(jobId))).result).toEqual(RESULT);
      // now the corrected input is the job's
      await errorOf(world[kind].run(enrichJob(jobId, { title: '' })), InputMismatchError);
      expect(world.model.billed(jobId)).toBe(1);
      await untilStatus(world, jobId, 'COMPLETED');
      expect((await handleOf(world, jobId).describe()).status.name).toBe('COMPLETED');
    },
  );
});
