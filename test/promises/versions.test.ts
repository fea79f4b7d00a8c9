import { z } from 'zod';
import { defineTask, JobClient, JobFailedError } from '../../src';
import { createRegistry } from '../../src/tasks/registry';
import { startWorld, type World } from '../support/world';
import { addLane, errorOf, type Lane, rowOf, startBare, untilRun } from './support';

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
