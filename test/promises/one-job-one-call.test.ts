import { startWorld, type World } from '../support/world';

const input = { title: '  the   alien (1979)' };

describe('one job, one inference', () => {
  let world: World;
  beforeAll(async () => {
    world = await startWorld();
    await world.addWorker();
  });
  afterAll(() => world.stop());

  test('50 concurrent starts of one id pay for one call, and exactly one of them created the job', async () => {
    const job = { job_id: 'fifty', task: 'enrich', input };
    const answers = await Promise.all(Array.from({ length: 50 }, () => world.jobs.submit(job)));
    expect(answers.filter((answer) => answer.created)).toHaveLength(1);
    const records = await Promise.all(Array.from({ length: 50 }, () => world.jobs.run(job)));
    expect(new Set(records.map((record) => JSON.stringify(record.result))).size).toBe(1);
    expect(world.model.billed('fifty')).toBe(1);
  });

  test('50 concurrent starts by clients without a store pay for one call', async () => {
    const job = { job_id: 'fifty-bare', task: 'enrich', input };
    const answers = await Promise.all(Array.from({ length: 50 }, () => world.bare.submit(job)));
    expect(answers.filter((answer) => answer.created)).toHaveLength(1);
    const records = await Promise.all(Array.from({ length: 50 }, () => world.bare.run(job)));
    expect(new Set(records.map((record) => JSON.stringify(record.result))).size).toBe(1);
    expect(world.model.billed('fifty-bare')).toBe(1);
  });
});
