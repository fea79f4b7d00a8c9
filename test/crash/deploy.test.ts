import { createRng } from '../sim/rng';
import { endsWithPromisesKept } from '../support/crash-history';
import { type CrashWorld, STEADY, startCrashWorld } from '../support/crash-world';
import { runStorm } from '../support/kill-storm';
import { done } from '../support/kill-table';
import { INPUT, outcome } from '../support/killed-job';

/** Draws the moments; how the machine schedules the processes is its own. */
const rng = createRng(Number(process.env.CRASH_SEED ?? 1));

/** PENDING, IN_PROGRESS, COMPLETED: each change of status is one token, so there was no other. */
const ONCE = { ...done('inference', 1), token: 3 };

let world: CrashWorld;
beforeAll(async () => {
  world = await startCrashWorld();
  await world.model.rules({ match: {}, do: { delay_ms: 300 } });
});
afterAll(() => world.stop());

test.each(['stored', 'background', 'none'] as const)(
  'a rolling deploy of `infer-once worker` under a stream of jobs, recovery %s: every worker drains, and nothing is ever in doubt',
  async (recovery) => {
    const storm = { recovery, onUnknown: 'hold', signal: 'SIGTERM', times: 4, rng } as const;
    const survivors = await runStorm(world, `deploy-${recovery}`, {
      ...storm,
      program: 'command',
      env: STEADY,
    });
    for (const survivor of survivors) expect(survivor).toMatchObject({ billed: 1, record: ONCE });
  },
  180_000,
);

test('a deploy that stops the old `infer-once worker` before it starts the new one: calls in flight end, later jobs wait', async () => {
  const lane = await world.openLane('one-after-the-other');
  const ids = ['in-call-1', 'in-call-2'];
  const jobOf = (job_id: string) => ({ job_id, task: 'enrich', input: INPUT });
  for (const id of ids) await world.holdCalls(id);
  const old = await lane.startWorker({ program: 'command', env: STEADY });
  for (const id of ids) await lane.jobs.submit(jobOf(id));
  for (const id of ids) await world.model.waitForHeld(id);
  old.send('SIGTERM');
  await lane.jobs.submit(jobOf('later'));
  for (const id of ids) await world.letGo(id);
  await old.endedWell();
  for (const id of ids) expect(await lane.jobs.get(id)).toMatchObject(ONCE);

  await lane.startWorker({ program: 'command', env: STEADY });
  for (const id of [...ids, 'later']) {
    expect(await outcome(lane, id)).toMatchObject(ONCE);
    expect(await world.client.workflow.getHandle(id).result()).toMatchObject({ status: 'COMPLETED' });
    expect(world.model.billed(id)).toBe(1);
  }
}, 180_000);

endsWithPromisesKept(() => world);
