import { UnreachableError } from '../../src/errors';
import type { JobRecord } from '../../src/job';
import { type CrashWorld, type Lane, STEADY, startCrashWorld } from '../support/crash-world';
import { INPUT, outcome } from '../support/killed-job';
import { type PostgresPair, startPostgresPair } from '../support/postgres-pair';
import { until } from '../support/until';

const jobOf = (job_id: string) => ({ job_id, task: 'enrich', input: INPUT });

let pair: PostgresPair;
let world: CrashWorld;
beforeAll(async () => {
  pair = await startPostgresPair(false);
  world = await startCrashWorld({ makeStore: () => pair.createDatabase() });
});
afterAll(async () => {
  await world.stop();
  await pair.stop();
});

/** Everything written so far is on the standby. */
async function untilCopied(): Promise<void> {
  await until('the standby has it all', async () => {
    const [row] = await pair.primary.admin(
      'SELECT bool_and(replay_lsn >= pg_current_wal_lsn()) AS has_all FROM pg_stat_replication',
    );
    return row?.has_all;
  });
}

test('an asynchronous standby promoted without the last writes: what was answered is told again, and what is in the air is not asked for twice', async () => {
  const claimed = await world.openLane('claimed');
  const pending = await world.openLane('pending');
  for (const id of ['settle-lost', 'claim-lost']) await world.holdCalls(id);
  for (const id of ['all-but-submit-lost', 'claim-lost']) await pending.jobs.submit(jobOf(id));
  await claimed.startWorker({ env: STEADY });
  await claimed.jobs.submit(jobOf('settle-lost'));
  await world.model.waitForHeld('settle-lost');
  await untilCopied();

  pair.replication.hold();
  await world.letGo('settle-lost');
  await pending.startWorker({ env: STEADY });
  await world.model.waitForHeld('claim-lost');
  await pending.jobs.submit(jobOf('all-lost'));
  const answered = [
    [claimed, 'settle-lost'],
    [pending, 'all-but-submit-lost'],
    [pending, 'all-lost'],
  ] as const;
  const told = await Promise.all(answered.map(([lane, id]) => outcome(lane, id)));
  expect(told.map(({ status }) => status)).toEqual(['COMPLETED', 'COMPLETED', 'COMPLETED']);
  await pair.failOver();

  const again = async (lane: Lane, id: string) =>
    until(`${id} is taken`, () => lane.jobs.submit(jobOf(id)).catch(orAway));
  for (const [at, [lane, id]] of answered.entries()) {
    const before = await until(`${id} is read`, () => lane.jobs.get(id).then(orAbsent, orAway));
    // gone from the store, or older there
    expect(before).not.toMatchObject({ status: 'COMPLETED' });
    const { status, result, token } = told[at]!;
    expect(await again(lane, id)).toMatchObject({
      status,
      result,
      token,
      replayed: true,
      source: 'recovered',
    });
  }
  await world.letGo('claim-lost');
  expect(await outcome(pending, 'claim-lost')).toMatchObject({ status: 'COMPLETED', source: 'late' });
  for (const id of ['settle-lost', 'all-but-submit-lost', 'all-lost', 'claim-lost']) {
    expect(world.model.billed(id)).toBe(1);
  }
}, 200_000);

const orAbsent = (record: JobRecord | null) => record ?? { status: 'absent' };

function orAway(error: unknown): null {
  if (error instanceof UnreachableError) return null;
  throw error;
}
