import { endsWithPromisesKept } from '../support/crash-history';
import { type CrashWorld, STEADY, startCrashWorld } from '../support/crash-world';
import { done } from '../support/kill-table';
import { INPUT, outcome } from '../support/killed-job';
import { advanceClock } from '../support/sqlite-file';

const HOUR = 3_600_000;
const jobOf = (job_id: string) => ({ job_id, task: 'enrich', input: INPUT });

let world: CrashWorld;
beforeAll(async () => {
  world = await startCrashWorld();
});
afterAll(() => world.stop());

test('workers whose clocks are two hours apart: no doubt without a fault, and every job is paid for once', async () => {
  const lane = await world.openLane('apart');
  const ids = Array.from({ length: 8 }, (_, index) => `apart-${index}`);
  for (const id of ids) await world.holdCalls(id);
  for (const ahead of [HOUR, -HOUR]) {
    await lane.startWorker({
      env: { ...STEADY, CRASH_CLOCK_MS: String(ahead), INFER_ONCE_CONCURRENCY: '4' },
    });
  }
  for (const id of ids) await lane.jobs.submit(jobOf(id));
  for (const id of ids) await world.model.waitForHeld(id);
  for (const id of ids) await world.letGo(id);
  for (const id of ids) {
    expect(await outcome(lane, id)).toMatchObject({ ...done('inference', 1), decisions: [] });
    expect(world.model.billed(id)).toBe(1);
  }
}, 120_000);

test.each([
  ['ahead', 'behind', HOUR],
  ['behind', 'ahead', -HOUR],
])(
  'a worker whose clock is %s is killed in mid-call, and one that is %s takes over: one call, and its answer',
  async (name, _, ahead) => {
    const lane = await world.openLane(name);
    await world.holdCalls(name);
    const doomed = await lane.startWorker({ env: { CRASH_CLOCK_MS: String(ahead) } });
    await lane.jobs.submit(jobOf(name));
    await world.model.waitForHeld(name);
    await doomed.kill();
    await world.letGo(name);
    await lane.startWorker({ env: { CRASH_CLOCK_MS: String(-ahead) } });
    expect(await outcome(lane, name)).toMatchObject(done('recovered', 1));
    expect(world.model.billed(name)).toBe(1);
  },
  120_000,
);

test("the machine's clock goes back by an hour in mid-call: the call's answer counts, and a killed worker's is found", async () => {
  const lane = await world.openLane('back');
  for (const id of ['back-lived', 'back-killed']) await world.holdCalls(id);
  const lived = await lane.startWorker({ env: { INFER_ONCE_CONCURRENCY: '1' } });
  await lane.jobs.submit(jobOf('back-lived'));
  await world.model.waitForHeld('back-lived');
  const doomed = await lane.startWorker({ env: { INFER_ONCE_CONCURRENCY: '1' } });
  await lane.jobs.submit(jobOf('back-killed'));
  await world.model.waitForHeld('back-killed');
  // the latest time that was written down is now an hour ahead of the wall clock
  advanceClock(lane.storeFile, HOUR);
  await doomed.kill();
  for (const id of ['back-lived', 'back-killed']) await world.letGo(id);
  expect(await outcome(lane, 'back-lived')).toMatchObject(done('inference', 1));
  expect(await outcome(lane, 'back-killed')).toMatchObject(done('recovered', 1));
  for (const id of ['back-lived', 'back-killed']) expect(world.model.billed(id)).toBe(1);
  lived.send('SIGTERM');
  await lived.endedWell();
}, 120_000);

endsWithPromisesKept(() => world);
