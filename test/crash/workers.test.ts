import type { JobRecord } from '../../src/job';
import { endsWithPromisesKept } from '../support/crash-history';
import { type CrashWorld, type Lane, STEADY, startCrashWorld } from '../support/crash-world';
import { openGate } from '../support/gate';
import { INPUT, outcome } from '../support/killed-job';
import { until } from '../support/until';
import { loggedBy, untilLogged } from '../support/worker-process';

const jobOf = (job_id: string) => ({ job_id, task: 'enrich', input: INPUT });

let world: CrashWorld;
beforeAll(async () => {
  world = await startCrashWorld();
});
afterAll(() => world.stop());

test.concurrent('one of two workers killed in mid-call and replaced: every answer is paid for once, its own are recovered', async () => {
  const lane = await world.openLane('two-workers');
  const [its, others] = [
    ['kill-1', 'kill-2', 'kill-3'],
    ['live-1', 'live-2', 'live-3'],
  ];
  for (const id of [...its!, ...others!]) await world.holdCalls(id);
  // no room for more than its own three: the others are the second worker's
  const doomed = await lane.startWorker({ env: { INFER_ONCE_CONCURRENCY: '3' } });
  for (const id of its!) await lane.jobs.submit(jobOf(id));
  for (const id of its!) await world.model.waitForHeld(id);
  await lane.startWorker();
  for (const id of others!) await lane.jobs.submit(jobOf(id));
  for (const id of others!) await world.model.waitForHeld(id);

  await doomed.kill();
  for (const id of [...its!, ...others!]) await world.letGo(id);
  await lane.startWorker();
  for (const [ids, source] of [
    [its!, 'recovered'],
    [others!, 'inference'],
  ] as const) {
    for (const id of ids) {
      expect(await outcome(lane, id)).toMatchObject({ status: 'COMPLETED', source, attempts: 1 });
      expect(world.model.billed(id)).toBe(1);
    }
  }
}, 180_000);

test.concurrent('a worker frozen with its answer in hand: another finds the job in doubt, and the answer counts when it comes', async () => {
  const lane = await world.openLane('frozen-answer');
  const frozen = await lane.startWorker({
    recovery: 'none',
    crash: { at: 'after_answer', how: 'stop' },
  });
  await lane.jobs.submit(jobOf('frozen-answer'));
  await frozen.said('at after_answer');
  await lane.startWorker({ recovery: 'none' });
  expect(await outcome(lane, 'frozen-answer')).toMatchObject({ status: 'IN_DOUBT', billed: 'unknown' });

  frozen.send('SIGCONT');
  // the run, on hold for a minute, is told
  const record = await world.client.workflow.getHandle('frozen-answer').result();
  expect(record).toMatchObject({
    status: 'COMPLETED',
    source: 'late',
    billed: 'yes',
    attempts: 1,
    decisions: [],
  });
  expect(await outcome(lane, 'frozen-answer')).toEqual(record);
  expect(world.model.billed('frozen-answer')).toBe(1);
}, 180_000);

test.concurrent('a worker frozen in its call, whose answer another has recovered: the record does not change any more', async () => {
  const lane = await world.openLane('frozen-call');
  const frozen = await lane.startWorker({ crash: { at: 'after_answer', how: 'stop' } });
  await lane.jobs.submit(jobOf('frozen-call'));
  await frozen.said('at after_answer');
  await lane.startWorker();
  const record = await outcome(lane, 'frozen-call');
  expect(record).toMatchObject({ status: 'COMPLETED', source: 'recovered' });

  frozen.send('SIGCONT');
  await untilLogged(frozen, 'late');
  expect(await lane.jobs.get('frozen-call')).toEqual(record);
  expect(world.model.billed('frozen-call')).toBe(1);
}, 180_000);

test.concurrent('a worker frozen between its claim and its send gives up unsent when the lease is over', async () => {
  const lane = await world.openLane('frozen-claim');
  const frozen = await lane.startWorker({
    recovery: 'none',
    crash: { at: 'after_claim', how: 'stop' },
  });
  await lane.jobs.submit(jobOf('frozen-claim'));
  await frozen.said('at after_claim');
  await lane.startWorker({ recovery: 'none' });
  const doubted = await outcome(lane, 'frozen-claim');
  expect(doubted).toMatchObject({ status: 'IN_DOUBT' });
  await until('a worker that is not frozen takes the decision', () => rerun(lane, doubted), 90_000);
  const record = await outcome(lane, 'frozen-claim');
  expect(record).toMatchObject({ status: 'COMPLETED', source: 'inference', attempts: 2 });
  expect(record.decisions).toHaveLength(1);

  frozen.send('SIGCONT');
  await untilLogged(frozen, 'unsent');
  expect(world.model.billed('frozen-claim')).toBe(1);
  expect(await lane.jobs.get('frozen-claim')).toMatchObject({ status: 'COMPLETED', token: record.token });
}, 180_000);

/** Temporal hands some of the run's tasks to the frozen worker: a try may end without saying what came of it. */
async function rerun({ jobs }: Lane, { job_id, token }: JobRecord): Promise<boolean> {
  await jobs.resolve(job_id, { action: 'rerun', doubt: token, by: 'ann' }).catch((error) => {
    expect(['unreachable', 'wrong_state']).toContain(error.code);
  });
  const { decisions = [] } = (await jobs.get(job_id)) ?? {};
  return decisions.some(({ doubt }) => doubt === token);
}

test.concurrent('a deploy during a call: the worker ends when its call has, and nothing was in doubt', async () => {
  const lane = await world.openLane('drained');
  await world.holdCalls('drained');
  const old = await lane.startWorker({ env: { ...STEADY, INFER_ONCE_SHUTDOWN_GRACE: '60s' } });
  await lane.jobs.submit(jobOf('drained'));
  await world.model.waitForHeld('drained');
  old.send('SIGTERM');
  await lane.startWorker();
  await world.letGo('drained');
  await old.endedWell();
  const record = await outcome(lane, 'drained');
  // PENDING, IN_PROGRESS, COMPLETED: each change of status is one token
  expect(record).toMatchObject({ status: 'COMPLETED', source: 'inference', attempts: 1, token: 3 });
  expect(world.model.billed('drained')).toBe(1);
}, 180_000);

test.concurrent('a deploy whose grace ends before the call does: the next worker recovers the answer', async () => {
  const lane = await world.openLane('graceless');
  await world.holdCalls('graceless');
  const old = await lane.startWorker({ env: { ...STEADY, INFER_ONCE_SHUTDOWN_GRACE: '100ms' } });
  await lane.jobs.submit(jobOf('graceless'));
  await world.model.waitForHeld('graceless');
  old.send('SIGTERM');
  await old.endedWell();
  expect(await lane.jobs.get('graceless')).toMatchObject({
    status: 'IN_DOUBT',
    doubt: { reason: 'the worker was shut down during the call', recovering: true },
  });
  await world.letGo('graceless');
  await lane.startWorker();
  expect(await outcome(lane, 'graceless')).toMatchObject({
    status: 'COMPLETED',
    source: 'recovered',
    attempts: 1,
  });
  expect(world.model.billed('graceless')).toBe(1);
}, 180_000);

test.concurrent('a deploy whose grace ends before a call does that Temporal has given up: the worker still ends well', async () => {
  const lane = await world.openLane('given-up');
  await world.holdCalls('given-up');
  const gate = await openGate(world.address);
  try {
    const old = await lane.startWorker({
      env: { TEMPORAL_ADDRESS: gate.address, INFER_ONCE_SHUTDOWN_GRACE: '100ms' },
    });
    await lane.jobs.submit(jobOf('given-up'));
    await world.model.waitForHeld('given-up');
    // it loses sight of Temporal for longer than a heartbeat may take, and holds its lease all the same
    gate.hold();
    await until('the attempt is given up', () => attemptOf('given-up').then((number) => number > 1));
    gate.open();
    const busy = () => loggedBy(old).filter(({ reason }) => reason === 'busy');
    await until('the next attempts come back', () => busy().length > 1);
    old.send('SIGTERM');
    await old.endedWell();
    expect(await lane.jobs.get('given-up')).toMatchObject({
      status: 'IN_DOUBT',
      doubt: { reason: 'the worker was shut down during the call', recovering: true },
    });
  } finally {
    await gate.close();
  }
  await world.letGo('given-up');
  await lane.startWorker();
  expect(await outcome(lane, 'given-up')).toMatchObject({ status: 'COMPLETED', attempts: 1 });
  expect(world.model.billed('given-up')).toBe(1);
}, 180_000);

/** The number of the activity's attempt that is under way or due. */
async function attemptOf(id: string): Promise<number> {
  const { raw } = await world.client.workflow.getHandle(id).describe();
  return raw.pendingActivities?.[0]?.attempt ?? 0;
}

endsWithPromisesKept(() => world);
