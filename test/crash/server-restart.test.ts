import type { JobRecord } from '../../src/job';
import { endsWithPromisesKept } from '../support/crash-history';
import { type CrashWorld, type Lane, STEADY, startCrashWorld } from '../support/crash-world';
import { done } from '../support/kill-table';
import { INPUT, outcome } from '../support/killed-job';
import { until } from '../support/until';

const jobOf = (job_id: string) => ({ job_id, task: 'enrich', input: INPUT });

/** A job in one state when Temporal dies, and what it comes to when Temporal is back. */
interface InState {
  /** Brings the job there; the test kills the server next. */
  enter(lane: Lane, id: string): Promise<void>;
  /** What the store says of it when the server dies. */
  at: Partial<JobRecord>;
  /** What is done once the server is back. */
  goOn(lane: Lane, id: string): Promise<unknown>;
  after: Partial<JobRecord>;
  billed: number;
}

async function lose(lane: Lane, id: string): Promise<void> {
  await world.setRule(id, { reset: 'after_billing' });
  await lane.jobs.submit(jobOf(id));
}

async function holdInCall(lane: Lane, id: string): Promise<void> {
  await world.holdCalls(id);
  await lane.jobs.submit(jobOf(id));
  await world.model.waitForHeld(id);
}

const STATES: Record<string, InState> = {
  queued: {
    enter: async (lane, id) => {
      await lane.jobs.submit(jobOf(id));
    },
    at: { status: 'PENDING', attempts: 0 },
    goOn: (lane) => lane.startWorker(),
    after: { ...done('inference', 1), token: 3 },
    billed: 1,
  },
  'in-call': {
    enter: async (lane, id) => {
      await lane.startWorker({ env: STEADY });
      await holdInCall(lane, id);
    },
    at: { status: 'IN_PROGRESS' },
    goOn: (_, id) => world.letGo(id),
    after: { ...done('inference', 1), token: 3 },
    billed: 1,
  },
  'in-background': {
    enter: async (lane, id) => {
      await lane.startWorker({ recovery: 'background' });
      await holdInCall(lane, id);
      await until('the id is on record', async () => (await lane.store.read(id)).job?.calls[0]?.operation);
    },
    at: { status: 'IN_PROGRESS' },
    goOn: (_, id) => world.letGo(id),
    after: { ...done('inference', 1), token: 3 },
    billed: 1,
  },
  recovering: {
    enter: async (lane, id) => {
      await lane.startWorker({ recovery: 'stored', env: { INFER_ONCE_SETTLE: '10m' } });
      await world.setRule(id, { status: 500 }, 'list');
      await lose(lane, id);
    },
    at: { status: 'IN_DOUBT', doubt: expect.objectContaining({ recovering: true }) },
    goOn: (_, id) => world.setRule(id, null, 'list'),
    after: done('recovered', 1),
    billed: 1,
  },
  held: {
    enter: async (lane, id) => {
      await lane.startWorker({ recovery: 'none' });
      await lose(lane, id);
    },
    at: { status: 'IN_DOUBT', doubt: expect.objectContaining({ recovering: false }) },
    goOn: async (lane, id) => {
      await world.setRule(id, null);
      const { token } = (await lane.jobs.get(id))!;
      await lane.jobs.resolve(id, { action: 'rerun', doubt: token, by: 'ann' });
    },
    after: done('inference', 2),
    billed: 2,
  },
  'backing-off': {
    enter: async (lane, id) => {
      await lane.startWorker();
      await world.setRule(id, { status: 429, headers: { 'retry-after': '20' } });
      await lane.jobs.submit(jobOf(id));
      await until('the refusal is on record', async () => (await lane.jobs.get(id))?.attempts === 1);
      await until('it waits', async () => (await lane.jobs.get(id))?.status === 'PENDING');
      await world.setRule(id, null);
    },
    at: { status: 'PENDING', attempts: 1, billed: 'no' },
    goOn: async () => undefined,
    after: done('inference', 2),
    billed: 1,
  },
  'cancel-asked': {
    enter: async (lane, id) => {
      const worker = await lane.startWorker({ env: STEADY });
      frozen.push(worker);
      await holdInCall(lane, id);
      // it does not hear of the cancel before the server is gone
      worker.send('SIGSTOP');
      await world.client.workflow.getHandle(id).cancel();
    },
    at: { status: 'IN_PROGRESS' },
    goOn: async (lane, id) => {
      for (const worker of frozen) worker.send('SIGCONT');
      await until('the cancel is written', async () => (await lane.jobs.get(id))?.status === 'CANCELED');
      // aborted by its caller, it is paid all the same
      await world.letGo(id);
      await until('the call has run', () => world.model.billed(id) === 1);
    },
    after: { status: 'CANCELED', billed: 'unknown', attempts: 1, result: null },
    billed: 1,
  },
};

const frozen: { send(signal: NodeJS.Signals): void }[] = [];
const names = Object.keys(STATES);

let world: CrashWorld;
const lanes: Record<string, Lane> = {};
let doneBefore: JobRecord;
beforeAll(async () => {
  world = await startCrashWorld({ persistent: true });
  await Promise.all(
    names.map(async (name) => {
      lanes[name] = await world.openLane(name);
      await STATES[name]!.enter(lanes[name], name);
      await until(`${name} is there`, async () =>
        matches(await lanes[name]!.jobs.get(name), STATES[name]!.at),
      );
    }),
  );
  doneBefore = await lanes['in-call']!.jobs.run(jobOf('done-before'));
  for (const name of names) expect(await lanes[name]!.jobs.get(name)).toMatchObject(STATES[name]!.at);
  await world.restartServer();
}, 180_000);
afterAll(() => world.stop());

function matches(record: JobRecord | null, wanted: Partial<JobRecord>): boolean {
  try {
    expect(record).toMatchObject(wanted);
    return true;
  } catch {
    return false;
  }
}

test.concurrent.each(names)(
  'Temporal killed and started again on its file, a job %s: it goes on from there, by no call too many',
  async (name) => {
    const [lane, { goOn, after, billed }] = [lanes[name]!, STATES[name]!];
    await goOn(lane, name);
    const record = await until(
      `${name} settled`,
      async () => {
        const now = await outcome(lane, name);
        return now.status !== 'IN_DOUBT' && now;
      },
      90_000,
    );
    expect({ record, billed: world.model.billed(name) }).toMatchObject({ record: after, billed });
    const ended = await world.client.workflow
      .getHandle(name)
      .result()
      .catch((error) => error.cause);
    expect(ended).toMatchObject(record.status === 'COMPLETED' ? record : { name: 'CancelledFailure' });
  },
  180_000,
);

test('what was done before is answered, and new jobs are run', async () => {
  const { jobs } = lanes['in-call']!;
  expect(await jobs.submit(jobOf('done-before'))).toEqual({ ...doneBefore, created: false, replayed: true });
  expect(world.model.billed('done-before')).toBe(1);
  expect(await jobs.run(jobOf('after'))).toMatchObject({ source: 'inference', attempts: 1 });
  expect(world.model.billed('after')).toBe(1);
});

endsWithPromisesKept(() => world);
