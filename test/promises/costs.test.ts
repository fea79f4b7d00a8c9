import { JobClient } from '../../src/client';
import { clientsByTenant } from '../../src/gateway/run';
import type { JobRecord } from '../../src/job';
import { openMemoryStore } from '../../src/store/memory';
import { startGateway } from '../gateway/support';
import { type CountingClient, connectCounting, countingStore, countRun } from '../support/counts';
import { until } from '../support/until';
import { startWorld, type World } from '../support/world';
import { addLane, enrichJob, handleOf, INPUT, losingAnswers, untilRun } from './support';

/** No lease is renewed and no heartbeat is due in a test, however busy the machine is. */
const STEADY = { leaseMs: 300_000 };
const CALM = { heartbeatTimeoutMs: 300_000 };

describe('what a job costs beside its call does not grow unseen', () => {
  const store = countingStore(openMemoryStore());
  let world: World;
  let counting: CountingClient;
  let jobs: JobClient;
  beforeAll(async () => {
    // as in production: a real server, which knows the search attributes
    world = await startWorld({ store, server: 'dev', searchAttributes: true, policy: STEADY });
    counting = await connectCounting(world.address);
    jobs = new JobClient({ client: counting.client, store });
    await world.addWorker(CALM);
    // once a process: which search attributes there are
    await jobs.submit(enrichJob('first'));
    await untilRun(world, 'first', 'COMPLETED');
  });
  afterAll(async () => {
    await counting.close();
    await world.stop();
  });
  afterEach(() => world.model.rules());

  async function counters() {
    const { requests, polls, lists, billed } = await world.model.state();
    return {
      store: { ...store.counts },
      temporal: { ...counting.calls },
      provider: { requests, polls, lists, billed },
    };
  }

  /** What an act asks of the store, of Temporal (by this client) and of the provider. */
  async function costOf(act: () => Promise<unknown>) {
    const before = await counters();
    await act();
    const after = await counters();
    return {
      store: grown(before.store, after.store),
      temporal: grown(before.temporal, after.temporal),
      provider: grown(before.provider, after.provider),
    };
  }

  const closed = (jobId: string) => untilRun(world, jobId, 'COMPLETED');
  const failed = (jobId: string) => untilRun(world, jobId, 'FAILED');

  async function expectRun(jobId: string, most: { events: number; actions: number; bytes: number }) {
    const { events, actions, historyBytes } = await countRun(handleOf(world, jobId));
    expect({ jobId, events: events.length, actions }).toEqual({
      jobId,
      events: most.events,
      actions: most.actions,
    });
    // names of machines are in it
    expect(historyBytes).toBeLessThan(most.bytes);
  }

  test('a fresh job: one look-up, three durable writes, one start, one request, 12 events', async () => {
    const cost = await costOf(async () => {
      await jobs.submit(enrichJob('fresh'));
      await closed('fresh');
    });
    expect(cost).toEqual({
      store: { looks: 1, writes: 3 },
      temporal: { StartWorkflowExecution: 1 },
      provider: { requests: 1, billed: 1 },
    });
    await expectRun('fresh', { events: 12, actions: 3, bytes: 5_000 });
  });

  test('who waits for a job that is soon answered asks Temporal for nothing but its start', async () => {
    const began = performance.now();
    const { temporal } = await costOf(() => jobs.run(enrichJob('soon')));
    // a job that takes longer has its run watched, on a machine that is very busy this one too
    const { GetWorkflowExecutionHistory: polls = 0, ...others } = temporal;
    expect(others).toEqual({ StartWorkflowExecution: 1 });
    expect(polls).toBeLessThanOrEqual(performance.now() - began < 3_750 ? 0 : 1);
    await closed('soon');
  });

  test('a completed duplicate: one look-up, and nothing of Temporal or the provider', async () => {
    await jobs.run(enrichJob('twice'));
    await closed('twice');
    const cost = await costOf(async () => {
      await expect(jobs.run(enrichJob('twice'))).resolves.toMatchObject({ replayed: true });
    });
    expect(cost).toEqual({ store: { looks: 1 }, temporal: {}, provider: {} });
  });

  test('a join of a running job: one look-up, one start that is refused, one look at its run', async () => {
    await hold('met');
    const cost = await costOf(() => jobs.submit(enrichJob('met')));
    expect(cost).toEqual({
      store: { looks: 1 },
      temporal: { StartWorkflowExecution: 1, DescribeWorkflowExecution: 1 },
      provider: {},
    });
    await world.model.release('met');
    await closed('met');
    await expectRun('met', { events: 12, actions: 3, bytes: 5_000 });
  });

  test('a job that failed looks once more before its run ends; its duplicate costs a look-up where it was paid for', async () => {
    await world.model.rules(
      { match: { job_id: 'refused' }, do: { status: 400 } },
      { match: { job_id: 'spoilt' }, do: { content: 'no JSON' } },
    );
    for (const [jobId, provider] of [
      ['refused', { requests: 1 }],
      ['spoilt', { requests: 1, billed: 1 }],
    ] as const) {
      const cost = await costOf(async () => {
        await jobs.submit(enrichJob(jobId));
        await failed(jobId);
      });
      expect(cost).toEqual({
        store: { looks: 2, writes: 3 },
        temporal: { StartWorkflowExecution: 1 },
        provider,
      });
      await expectRun(jobId, { events: 18, actions: 4, bytes: 7_000 });
    }
    const again = await costOf(() => jobs.submit(enrichJob('spoilt')));
    expect(again).toEqual({ store: { looks: 1 }, temporal: {}, provider: {} });
  });

  test('a job that is held and settled: one write to hold it, one for the decision, no second request', async () => {
    const policy = { ...STEADY, recovery: 'none' } as const;
    await addLane(world, 'held', policy, CALM);
    const lane = new JobClient({ client: counting.client, store, taskQueue: 'held' });
    await world.model.rules(losingAnswers('doubtful'));
    const held = await costOf(async () => {
      await lane.submit(enrichJob('doubtful'));
      await until('doubtful on hold', async () => {
        const { doubt } = await handleOf(world, 'doubtful').query<JobRecord>('record');
        return doubt?.recovering === false;
      });
    });
    expect(held).toEqual({
      store: { looks: 2, writes: 4 },
      temporal: { StartWorkflowExecution: 1 },
      provider: { requests: 1, billed: 1 },
    });
    await expectRun('doubtful', { events: 12, actions: 4, bytes: 4_000 });
    const { doubt } = (await lane.get('doubtful'))!;
    const settled = await costOf(async () => {
      await lane.resolve('doubtful', { action: 'abandon', doubt: doubt!.token, by: 'ann' });
      await failed('doubtful');
    });
    expect(settled).toEqual({
      store: { looks: 3, writes: 1 },
      temporal: { ExecuteMultiOperation: 1 },
      provider: {},
    });
    await expectRun('doubtful', { events: 38, actions: 9, bytes: 13_000 });
  });

  test('a call that the provider runs in the background: a write for its id, and a poll', async () => {
    await addLane(world, 'background', { ...STEADY, recovery: 'background' }, CALM);
    const lane = new JobClient({ client: counting.client, store, taskQueue: 'background' });
    const cost = await costOf(async () => {
      await lane.submit(enrichJob('polled'));
      await closed('polled');
    });
    expect(cost).toEqual({
      store: { looks: 2, writes: 4 },
      temporal: { StartWorkflowExecution: 1 },
      provider: { requests: 1, polls: 1, billed: 1 },
    });
    await expectRun('polled', { events: 24, actions: 6, bytes: 8_000 });
  });

  test('1,000 joins of one running job make no run, one start that is refused and one long poll', async () => {
    await hold('joined');
    const joins: Promise<JobRecord>[] = [];
    const cost = await costOf(async () => {
      for (let n = 0; n < 1000; n += 1) joins.push(jobs.run(enrichJob('joined')) as Promise<JobRecord>);
      // an answer that comes before it would make it needless
      const polled = counting.calls.GetWorkflowExecutionHistory ?? 0;
      await until('the poll', () => (counting.calls.GetWorkflowExecutionHistory ?? 0) > polled);
      await world.model.release('joined');
      await expectOneAnswer(joins);
    });
    expect(cost).toMatchObject({
      store: { writes: 1 },
      temporal: {
        StartWorkflowExecution: 1,
        DescribeWorkflowExecution: 1,
        GetWorkflowExecutionHistory: 1,
      },
      provider: { billed: 1 },
    });
    await closed('joined');
    await expectRun('joined', { events: 12, actions: 3, bytes: 5_000 });
  });

  test('1,000 joins through the gateway make no run and one long poll', async () => {
    let told = 0;
    const onSubmission = () => {
      told += 1;
    };
    const clients = clientsByTenant({ client: counting.client, store, onSubmission });
    const gateway = await startGateway({ ...world, store }, { jobs: clients });
    try {
      await hold('crowd');
      const asked: Promise<JobRecord>[] = [];
      const join = async (): Promise<JobRecord> => {
        const { status, body } = await gateway.send('PUT', '/v1/jobs/crowd?wait=300', {
          body: { task: 'enrich', input: INPUT },
        });
        // on a machine that is very busy, as its problem says: send it again, it counts once
        return status === 503 ? join() : body;
      };
      const began = performance.now();
      const cost = await costOf(async () => {
        // a thousand connections at the same moment would be a test of the machine
        while (asked.length < 1000) {
          for (let n = 0; n < 50; n += 1) asked.push(join());
          await until(`${asked.length} joins`, () => told >= asked.length);
        }
        await world.model.release('crowd');
        await expectOneAnswer(asked);
      });
      expect(cost.provider).toEqual({ billed: 1 });
      // a poll that has nothing to tell ends after 20 s and is followed by another
      const polls = 1 + Math.floor((performance.now() - began) / 19_000);
      expect(cost.temporal.GetWorkflowExecutionHistory ?? 0).toBeLessThanOrEqual(polls);
      await closed('crowd');
      await expectRun('crowd', { events: 12, actions: 3, bytes: 5_000 });
    } finally {
      await gateway.stop();
    }
  }, 300_000);

  /** Submits a job and holds its call at the model. */
  async function hold(jobId: string): Promise<void> {
    await world.model.rules({ match: { job_id: jobId }, do: { hold: true } });
    await jobs.submit(enrichJob(jobId, INPUT));
    await world.model.waitForHeld(jobId);
  }
});

async function expectOneAnswer(answers: Promise<JobRecord>[]): Promise<void> {
  const results = (await Promise.all(answers)).map(({ status, result }) =>
    JSON.stringify({ status, result }),
  );
  expect(results).toHaveLength(1000);
  expect(new Set(results).size).toBe(1);
  expect(results[0]).toContain('COMPLETED');
}

/** What has grown, and by how much. */
function grown(before: Record<string, number>, after: Record<string, number>): Record<string, number> {
  const grew = Object.entries(after).map(([name, count]) => [name, count - (before[name] ?? 0)] as const);
  return Object.fromEntries(grew.filter(([, by]) => by !== 0));
}
