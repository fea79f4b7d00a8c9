import { endsWithPromisesKept } from '../support/crash-history';
import { CRASH_POINTS } from '../support/crash-points';
import { type CrashWorld, startCrashWorld } from '../support/crash-world';
import { CELLS, expectedOf, RESULT } from '../support/kill-table';
import { runFrozenJob, runKilledJob } from '../support/killed-job';

let world: CrashWorld;
beforeAll(async () => {
  world = await startCrashWorld();
});
afterAll(() => world.stop());

test.concurrent.each(CELLS.filter(({ onUnknown }) => onUnknown === 'hold'))(
  'a worker frozen at $point until another has taken over, recovery $recovery: thawed, one call and one result',
  async ({ point, recovery }) => {
    const name = `frozen-${point}-${recovery}`;
    const { record, billed } = await runFrozenJob(world, name, { point, recovery });
    expect({ billed, record }).toMatchObject({ billed: 1, record: { status: 'COMPLETED', result: RESULT } });
  },
  180_000,
);

test.concurrent.each(CRASH_POINTS.filter((point) => point !== 'in_call'))(
  'an error thrown at %s comes to the same as a death there',
  async (point) => {
    const cell = { point, recovery: 'stored', onUnknown: 'hold' } as const;
    const { record, billed } = await runKilledJob(world, `throw-${point}`, { ...cell, how: 'throw' });
    expect({ billed, record }).toMatchObject(expectedOf(cell));
  },
  180_000,
);

endsWithPromisesKept(() => world);
