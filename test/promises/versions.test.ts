import { z } from 'zod';
import { defineTask, JobClient, JobFailedError } from '../../src';
import { claim } from '../../src/once/rules/claim';
import { release } from '../../src/once/rules/settle';
import { createRegistry } from '../../src/tasks/registry';
import { until } from '../support/until';
import { startWorld, type World } from '../support/world';
import {
  addLane,
  errorOf,
  INPUT,
  type Lane,
  RESULT,
  rowOf,
  startBare,
  untilRun,
  writeOrphan,
} from './support';

const version = (number: string, minimum: number) =>
  defineTask({
    name: 'summary',
    version: number,
    input: z.object({ text: z.string().min(minimum) }),
    output: z.object({ text: z.string() }),
    parse: (content) => ({ text: content }),
    model: 'gpt-6-luna',
    prompt: ({ text }) => text,
  });

describe('a completed job answers for every version of its task', () => {
  let world: World;
  let old: Lane;
  let strict: Lane;
  beforeAll(async () => {
    world = await startWorld();
    old = await addLane(world, 'old', {}, { tasks: createRegistry([version('1', 1)]) });
    strict = await addLane(world, 'strict', {}, { tasks: createRegistry([version('2', 100)]) });
  });
  afterAll(() => world.stop());

  const job = (job_id: string) => ({ job_id, task: 'summary', input: { text: 'short' } });

  test('a stricter version rejects the input of a new job, before anything is claimed', async () => {
    const { record } = await errorOf(strict.jobs.run(job('new')), JobFailedError);
    expect(record).toMatchObject({ error: { code: 'invalid_input' }, attempts: 0, billed: 'no' });
    expect(world.model.billed('new')).toBe(0);
  });

  test('but answers for a settled one, by the store, by Temporal, and by its own worker', async () => {
    const first = await old.jobs.run(job('settled'));
    expect(first.task_version).toBe('1');
    await untilRun(world, 'settled', 'COMPLETED');
    const before = await rowOf(world, 'settled');
    expect(await strict.jobs.run(job('settled'))).toMatchObject({ result: first.result });
    expect(await strict.bare.run(job('settled'))).toMatchObject({ result: first.result });
    const { task, input } = job('settled');
    const run = await startBare(world, 'settled', { task, input }, 'strict');
    expect(await run.result()).toMatchObject({ result: first.result, task_version: '1' });
    expect(await rowOf(world, 'settled')).toEqual(before);
    expect(world.model.billed('settled')).toBe(1);
  });

  test('a client that does not know the task at all gets the answer, too', async () => {
    const { result } = await old.jobs.run(job('stranger'));
    const { client, store } = world;
    const stranger = new JobClient({ client, store, taskQueue: 'nobody-here' });
    expect((await stranger.run(job('stranger'))).result).toEqual(result);
    expect(world.model.billed('stranger')).toBe(1);
  });
});

describe('in a rolling deploy, a worker that does not know the task', () => {
  let world: World;
  beforeAll(async () => {
    world = await startWorld();
  });
  afterAll(() => world.stop());

  test('leaves a job that was claimed to one that does, and fails it by nothing that it lacks', async () => {
    const other = createRegistry([version('1', 1)]);
    const strange = await addLane(world, 'deploy', {}, { tasks: other });
    const job = { job_id: 'claimed', task: 'enrich', input: INPUT };
    await writeOrphan(world, 'claimed');
    const { input_digest } = await rowOf(world, 'claimed');
    const seed = { key: 'claimed', task: 'enrich', task_version: '1', input_digest, input_json: null };
    const rule = claim({ seed, permit: undefined, call_id: 'limited', lease_ms: 60_000 });
    const won = await world.store.update('claimed', rule);
    if (won.kind !== 'claimed') throw new Error(`not claimed but ${won.kind}`);
    await world.store.update('claimed', release({ ...won, input_digest }));
    const before = await rowOf(world, 'claimed');
    expect(before).toMatchObject({ status: 'PENDING', attempts: 1 });

    await strange.jobs.submit(job);
    await until('that worker has had it', async () => {
      const { status } = await rowOf(world, 'claimed');
      return (
        status !== 'PENDING' || (await strange.jobs.whyWaiting('claimed'))?.includes('does not know task')
      );
    });
    expect(await rowOf(world, 'claimed')).toEqual(before);
    await strange.worker.stop();
    const { jobs } = await addLane(world, 'deploy');
    expect(await jobs.run(job)).toMatchObject({ status: 'COMPLETED', attempts: 2, result: RESULT });
    expect(world.model.billed('claimed')).toBe(1);
  });
});
