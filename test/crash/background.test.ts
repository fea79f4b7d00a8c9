import type { JobRecord } from '../../src/job';
import { type AnyCrashPoint, CRASH_POINTS, OPERATION_POINTS } from '../support/crash-points';
import { type CrashWorld, startCrashWorld } from '../support/crash-world';
import { INPUT, outcome, runKilledJob } from '../support/killed-job';
import { until } from '../support/until';

/** What a kill comes to: calls in the ledger, and the record. */
interface Expected {
  billed: number;
  record: Partial<JobRecord>;
}

const RESULT = { normalized_title: 'The Thing (1982)', category: 'film' };
const DONE: Partial<JobRecord> = {
  ...{ status: 'COMPLETED', source: 'inference', attempts: 1, result: RESULT, billed: 'yes' },
  ...{ doubt: null, error: null },
};
const IN_DOUBT: Partial<JobRecord> = { status: 'IN_DOUBT', billed: 'unknown', attempts: 1, result: null };

/** One call and its answer: wherever the id is on record, or nothing was sent and nothing claimed. */
const done: Expected = { billed: 1, record: DONE };
/** Claimed and not sent: nobody can know it. */
const neverSent: Expected = { billed: 0, record: IN_DOUBT };
/** Sent, and the id died with the worker. */
const lost: Expected = { billed: 1, record: IN_DOUBT };

const EXPECTED: Record<AnyCrashPoint, Expected> = {
  before_claim: done,
  after_claim: neverSent,
  before_send: neverSent,
  after_operation_started: lost,
  after_operation_saved: done,
  in_call: done,
  after_answer: done,
  before_save: done,
  after_save: done,
  before_report: done,
  before_workflow_completes: done,
};

let world: CrashWorld;
beforeAll(async () => {
  world = await startCrashWorld();
});
afterAll(() => world.stop());

test.concurrent.each([...CRASH_POINTS, ...OPERATION_POINTS])(
  'a worker killed at %s, recovery background: one call, and its answer once its id is on record',
  async (point) => {
    const name = `background-${point}`;
    const { record, billed } = await runKilledJob(world, name, { point, recovery: 'background' });
    expect({ billed, record }).toMatchObject(EXPECTED[point]);
    if (record.status === 'IN_DOUBT') expect(record.doubt).toMatchObject({ recovering: false });
  },
  180_000,
);

test.concurrent.each([
  ['rerun', { ...DONE, attempts: 2 }, 2],
  ['fail', { status: 'FAILED', error: { code: 'outcome_unknown' }, billed: 'unknown' } as object, 1],
] as const)(
  'an id that died with the worker is a doubt that the policy %s decides',
  async (onUnknown, record, billed) => {
    const name = `background-policy-${onUnknown}`;
    const point = 'after_operation_started';
    const env = { INFER_ONCE_CALL_TIMEOUT: '5s' };
    const killed = await runKilledJob(world, name, { point, recovery: 'background', onUnknown, env });
    expect(killed).toMatchObject({ billed, record });
  },
  180_000,
);

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
  expect(await outcome(lane, name)).toMatchObject(DONE);
  expect(world.model.billed(name)).toBe(1);
}, 180_000);
