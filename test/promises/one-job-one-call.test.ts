import { JobClient } from '../../src/client';
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
    // a client each: one client would make one submission of them
    const clients = Array.from(
      { length: 50 },
      () => new JobClient({ client: world.client, store: world.store }),
    );
    const answers = await Promise.all(clients.map((client) => client.submit(job)));
    expect(answers.filter((answer) => answer.created)).toHaveLength(1);
    const records = await Promise.all(Array.from({ length: 50 }, () => world.jobs.run(job)));
    expect(new Set(records.map((record) => JSON.stringify(record.result))).size).toBe(1);
    expect(world.model.billed('fifty')).toBe(1);
  });

  test('50 concurrent starts by clients without a store pay for one call', async () => {
    const job = { job_id: 'fifty-bare', task: 'enrich', input };
    const clients = Array.from({ length: 50 }, () => new JobClient({ client: world.client }));
    const answers = await Promise.all(clients.map((client) => client.submit(job)));
    expect(answers.filter((answer) => answer.created)).toHaveLength(1);
    const records = await Promise.all(Array.from({ length: 50 }, () => world.bare.run(job)));
    expect(new Set(records.map((record) => JSON.stringify(record.result))).size).toBe(1);
    expect(world.model.billed('fifty-bare')).toBe(1);
  });
});
