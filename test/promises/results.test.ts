import { z } from 'zod';
import { defineTask, JobFailedError } from '../../src';
import { createRegistry } from '../../src/tasks/registry';
import { startWorld, type World } from '../support/world';
import { enrichJob, errorOf, rowOf, startBare, untilRun } from './support';

const anything = defineTask({
  name: 'anything',
  version: '1',
  input: z.object({}),
  output: z.unknown(),
  parse: (content) => JSON.parse(content),
  model: 'gpt-6-luna',
  prompt: () => 'say anything',
});

describe('what a model says is the result, however little', () => {
  let world: World;
  beforeAll(async () => {
    world = await startWorld();
    await world.addWorker({ tasks: createRegistry([anything]) });
  });
  afterAll(() => world.stop());
  afterEach(() => world.model.rules());

  test.each([
    ['null', null],
    ['""', ''],
    ['[]', []],
    ['{}', {}],
    ['0', 0],
    ['false', false],
  ])('%s is a hit for every duplicate', async (content, value) => {
    const job_id = `hit-${['null', '""', '[]', '{}', '0', 'false'].indexOf(content)}`;
    const job = { job_id, task: 'anything', input: {} };
    await world.model.rules({ match: { job_id }, times: 1, do: { content } });
    expect(await world.jobs.run(job)).toMatchObject({ status: 'COMPLETED', result: value, error: null });
    await untilRun(world, job_id, 'COMPLETED');
    for (const kind of ['jobs', 'bare'] as const) {
      const again = await world[kind].submit(job);
      expect(again).toMatchObject({ status: 'COMPLETED', replayed: true });
      expect(again.result).toStrictEqual(value);
      expect(again.result_ref).toBeUndefined();
      expect((await world[kind].run(job)).result).toStrictEqual(value);
    }
    const bare = await startBare(world, job_id, { task: 'anything', input: {} });
    expect((await bare.result()).result).toStrictEqual(value);
    expect(world.model.billed(job_id)).toBe(1);
  });

  test('a usage that the provider leaves out is null, never 0, and holds nothing up', async () => {
    await world.model.rules({ match: { job_id: 'usage' }, do: { usage: null, content: '1' } });
    const record = await world.jobs.run({ job_id: 'usage', task: 'anything', input: {} });
    expect(record).toMatchObject({ status: 'COMPLETED', result: 1, usage: null, cost_usd: null });
  });

  test('a task that no worker knows fails unbilled and harms no later submission', async () => {
    const { record } = await errorOf(world.jobs.run(enrichJob('unknown-task')), JobFailedError);
    expect(record).toMatchObject({ error: { code: 'invalid_input' }, billed: 'no', attempts: 0 });
    expect(record!.error!.message).toContain('enrich');
    const job = { job_id: 'unknown-task', task: 'anything', input: {} };
    await world.model.rules({ match: { job_id: 'unknown-task' }, do: { content: '2' } });
    expect((await world.jobs.run(job)).result).toBe(2);
    expect(await rowOf(world, 'unknown-task')).toMatchObject({ task: 'anything', attempts: 1 });
  });
});
