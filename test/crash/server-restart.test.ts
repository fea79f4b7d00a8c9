import { endsWithPromisesKept } from '../support/crash-history';
import { type CrashWorld, type Lane, startCrashWorld } from '../support/crash-world';
import { INPUT, outcome } from '../support/killed-job';

const IDS = ['in-call-1', 'in-call-2', 'in-call-3', 'in-call-4'];
const jobOf = (job_id: string) => ({ job_id, task: 'enrich', input: INPUT });

let world: CrashWorld;
let lane: Lane;
beforeAll(async () => {
  world = await startCrashWorld({ persistent: true });
  lane = await world.openLane('restart');
});
afterAll(() => world.stop());

test('Temporal killed and started again on its file, with jobs in every state: each completes, by one call', async () => {
  const done = await lane.startWorker().then(() => lane.jobs.run(jobOf('done-before')));
  for (const id of IDS) await world.holdCalls(id);
  for (const id of IDS) await lane.jobs.submit(jobOf(id));
  for (const id of IDS) await world.model.waitForHeld(id);

  await world.restartServer();
  for (const id of IDS) await world.letGo(id);
  for (const id of [...IDS, 'after']) await lane.jobs.submit(jobOf(id));
  for (const id of [...IDS, 'after']) {
    expect(await outcome(lane, id)).toMatchObject({ status: 'COMPLETED', source: 'inference', attempts: 1 });
    expect(await world.client.workflow.getHandle(id).result()).toMatchObject({ status: 'COMPLETED' });
    expect(world.model.billed(id)).toBe(1);
  }
  expect(await lane.jobs.submit(jobOf('done-before'))).toEqual({ ...done, created: false, replayed: true });
  expect(world.model.billed('done-before')).toBe(1);
}, 180_000);

endsWithPromisesKept(() => world);
