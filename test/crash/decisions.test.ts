import type { JobRecord } from '../../src/job';
import { endsWithPromisesKept } from '../support/crash-history';
import { type CrashWorld, startCrashWorld } from '../support/crash-world';
import { done, type Expected, RESULT } from '../support/kill-table';
import { type KillCase, outcome, runKilledJob } from '../support/killed-job';

/** How a job that a death left in doubt is decided, and what that comes to. */
interface Decided extends Pick<KillCase, 'point'>, Expected {
  action: 'rerun' | 'abandon' | 'adopt';
}

const abandoned = { status: 'FAILED', billed: 'unknown', error: { code: 'abandoned' } } as Partial<JobRecord>;
const CASES: Decided[] = [
  { point: 'after_claim', action: 'rerun', billed: 1, record: done('inference', 2) },
  { point: 'before_send', action: 'abandon', billed: 0, record: abandoned },
  { point: 'in_call', action: 'rerun', billed: 2, record: done('inference', 2) },
  { point: 'after_answer', action: 'abandon', billed: 1, record: abandoned },
  { point: 'before_save', action: 'adopt', billed: 1, record: { ...done('adopted', 1), billed: 'unknown' } },
];

let world: CrashWorld;
beforeAll(async () => {
  world = await startCrashWorld();
});
afterAll(() => world.stop());

test.concurrent.each(CASES)(
  'a job whose worker was killed at $point, nobody to ask: $action settles it, and is on record',
  async ({ point, action, ...expected }) => {
    const name = `${point}-${action}`;
    const { lane, record } = await runKilledJob(world, name, { point, recovery: 'none' });
    expect(record).toMatchObject({ status: 'IN_DOUBT', doubt: { recovering: false } });

    const result = action === 'adopt' ? RESULT : undefined;
    await lane.jobs.resolve(name, { action, doubt: record.token, by: 'ann', result });
    const settled = await outcome(lane, name);
    expect({ billed: world.model.billed(name), record: settled }).toMatchObject(expected);
    expect(settled.decisions).toMatchObject([{ action, doubt: record.token, by: 'ann' }]);
  },
  180_000,
);

endsWithPromisesKept(() => world);
