import { temporal } from '@temporalio/proto';
import type { JobRecord } from '../../src/job';
import { endsWithPromisesKept } from '../support/crash-history';
import type { RecordPoint } from '../support/crash-points';
import { type CrashWorld, type Lane, startCrashWorld } from '../support/crash-world';
import { done, type Expected, RESULT } from '../support/kill-table';
import { INPUT, type KillCase, outcome, runKilledJob, untilKilled } from '../support/killed-job';

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

const { TIMEOUT_TYPE_HEARTBEAT } = temporal.api.enums.v1.TimeoutType;

/** An activity in which a worker is killed, what has it run, and what the job comes to. */
interface KilledIn extends Expected {
  point: RecordPoint;
  activity: string;
  by: string;
  act(lane: Lane, job: string, doubt: number): Promise<unknown>;
}

const KILLED_IN: KilledIn[] = [
  {
    ...{ point: 'after_decide', activity: 'decideDoubt', by: 'ann', billed: 2, record: done('inference', 2) },
    act: (lane, job, doubt) => lane.jobs.resolve(job, { action: 'rerun', doubt, by: 'ann' }),
  },
  {
    ...{ point: 'before_reread', activity: 'readRecord', by: 'ann', billed: 1, record: abandoned },
    act: (lane, job, doubt) => lane.jobs.resolve(job, { action: 'abandon', doubt, by: 'ann' }),
  },
  {
    ...{ point: 'after_cancel', activity: 'cancelJob', by: 'cancel', billed: 1, record: abandoned },
    act: (lane, job) => lane.jobs.cancel(job, { timeoutMs: 90_000 }),
  },
];

test.concurrent.each(KILLED_IN)(
  'a worker killed at $point is missed by its heartbeat: the job goes on, and the decision counts once',
  async ({ point, activity, by, act, ...expected }) => {
    const lane = await world.openLane(point);
    const doomed = await lane.startWorker({ recovery: 'none', crash: { at: point } });
    await world.setRule(point, { reset: 'after_billing' });
    await lane.jobs.submit({ job_id: point, task: 'enrich', input: INPUT });
    const { status, token } = await outcome(lane, point);
    expect(status).toBe('IN_DOUBT');
    await world.setRule(point, null);

    const acted = act(lane, point, token);
    await doomed.said(`at ${point}`);
    await untilKilled(doomed);
    await lane.startHeir({ recovery: 'none' });
    await acted;
    const run = world.client.workflow.getHandle(point);
    await run.result().catch(() => undefined);
    const settled = await outcome(lane, point);
    expect({ billed: world.model.billed(point), record: settled }).toMatchObject(expected);
    expect(settled.decisions).toMatchObject([{ doubt: token, by }]);
    expect(await whyTriedAgain(point, activity)).toBe(TIMEOUT_TYPE_HEARTBEAT);
  },
  180_000,
);

/** By which time-out Temporal missed the first try of this activity. */
async function whyTriedAgain(job: string, activity: string) {
  const { events = [] } = await world.client.workflow.getHandle(job).fetchHistory();
  const scheduled = events!.find(
    (event) => event.activityTaskScheduledEventAttributes?.activityType?.name === activity,
  );
  const started = events!
    .map((event) => event.activityTaskStartedEventAttributes)
    .find((attributes) => attributes?.scheduledEventId?.eq(scheduled!.eventId!));
  return started?.lastFailure?.timeoutFailureInfo?.timeoutType;
}

endsWithPromisesKept(() => world);
