import { endsWithPromisesKept } from '../support/crash-history';
import { type CrashWorld, startCrashWorld } from '../support/crash-world';
import { done } from '../support/kill-table';
import { INPUT, outcome } from '../support/killed-job';
import { until } from '../support/until';

let world: CrashWorld;
beforeAll(async () => {
  world = await startCrashWorld();
});
afterAll(() => world.stop());

test.concurrent('a response that the provider finishes while no worker lives is fetched by the next', async () => {
  const name = 'background-alone';
  const lane = await world.openLane(name);
  await world.holdCalls(name);
  const doomed = await lane.startWorker({ recovery: 'background' });
  await lane.jobs.submit({ job_id: name, task: 'enrich', input: INPUT });
  await until('the id is on record', async () => (await lane.store.read(name)).job?.calls[0]?.operation);
  await doomed.kill();
  await world.letGo(name);
  await until('the model has finished', () => world.model.billed(name) === 1);
  await lane.startHeir({ recovery: 'background' });
  expect(await outcome(lane, name)).toMatchObject(done('inference', 1));
  expect(world.model.billed(name)).toBe(1);
}, 180_000);

endsWithPromisesKept(() => world);
