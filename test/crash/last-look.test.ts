import { endsWithPromisesKept } from '../support/crash-history';
import { type CrashWorld, STEADY, startCrashWorld } from '../support/crash-world';
import { done } from '../support/kill-table';
import { INPUT, outcome } from '../support/killed-job';
import { until } from '../support/until';

let world: CrashWorld;
beforeAll(async () => {
  world = await startCrashWorld();
});
afterAll(() => world.stop());

test.concurrent.each(['rerun', 'fail'] as const)(
  'an answer that came after a slow question is asked for once more before the policy %s counts',
  async (onUnknown) => {
    const id = `asked-too-early-${onUnknown}`;
    const lane = await world.openLane(id);
    await world.setRule(id, { reset: 'after_billing' });
    // listed before the answer was stored, told when no answer can come any more
    await world.setRule(id, { hold: true, status: 200, body: { object: 'list', data: [] } }, 'list');
    const env = { ...STEADY, INFER_ONCE_CALL_TIMEOUT: '3s' };
    await lane.startWorker({ recovery: 'stored', onUnknown, env });
    await lane.jobs.submit({ job_id: id, task: 'enrich', input: INPUT });
    await world.model.waitForHeld(id);
    await until('no answer can come any more', async () => {
      const { job, now } = await lane.store.read(id);
      return now > job!.calls[0]!.claimed_at + 5_000;
    });
    await world.setRule(id, null);
    await world.setRule(id, null, 'list');
    await world.letGo(id);
    expect(await outcome(lane, id)).toMatchObject(done('recovered', 1));
    expect(world.model.billed(id)).toBe(1);
  },
  180_000,
);

endsWithPromisesKept(() => world);
