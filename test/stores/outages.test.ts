import { endsWithPromisesKept } from '../support/crash-history';
import { type CrashWorld, startCrashWorld } from '../support/crash-world';
import { streamJobs } from '../support/job-stream';
import { done } from '../support/kill-table';
import { INPUT, outcome } from '../support/killed-job';
import { AWS_CHILD_ENV } from '../support/moto-server';
import { type FailingStore, STORE_OUTAGES } from '../support/store-outages';
import { until } from '../support/until';
import { loggedBy } from '../support/worker-process';

const AT_ONCE = 6;
const JOBS = 20;
/** A lease outlives the outage, however busy the machine is: so none is in doubt. */
const PATIENT = { INFER_ONCE_LEASE: '50s', INFER_ONCE_HEARTBEAT_TIMEOUT: '20s' };

const stores: FailingStore[] = [];
let world: CrashWorld;
beforeAll(async () => {
  world = await startCrashWorld({ makeStore: () => stores.at(-1)!.newStore(), storeEnv: AWS_CHILD_ENV });
  await world.model.rules({ match: {}, do: { delay_ms: 200 } });
});
afterAll(async () => {
  await world.stop();
  await Promise.all(stores.map((store) => store.stop()));
});

test.each(STORE_OUTAGES)(
  '$outage under two workers: what was acknowledged is there, all say why they wait and go on by themselves, and every job is answered by one call',
  async ({ outage, says, start }) => {
    const store = await start();
    stores.push(store);
    const name = outage.replaceAll(' ', '-');
    const lane = await world.openLane(name);
    const workers = await Promise.all(
      [1, 2].map(() => lane.startWorker({ program: 'command', env: PATIENT })),
    );
    const held = `${name}-held`;
    await world.holdCalls(held);
    await lane.jobs.submit({ job_id: held, task: 'enrich', input: INPUT });
    await world.model.waitForHeld(held);
    const jobs = streamJobs(lane, name, { streams: AT_ONCE });
    await until('jobs are told', () => jobs.told() >= JOBS, 60_000);
    const ids = [...jobs.ids];
    const before = await Promise.all(ids.map((id) => lane.jobs.get(id)));

    await store.takeAway();
    // an answer that comes when nobody can write it
    await world.letGo(held);
    await until('a worker says why', () =>
      workers.flatMap(loggedBy).some(({ msg, reason }) => msg === 'store_away' && reason?.includes(says)),
    );
    await until('the model has answered', () => world.model.billed(held) === 1);
    await until('clients are told', () => jobs.away() > 0);
    await store.giveBack();

    const told = jobs.told();
    await until('jobs go on', () => jobs.told() >= told + JOBS, 90_000);
    await jobs.end();
    expect(await outcome(lane, held)).toMatchObject(done('inference', 1));
    const after = await Promise.all(jobs.ids.map((id) => lane.jobs.get(id)));
    const answered = before.filter((record) => record?.status === 'COMPLETED');
    expect(answered.length).toBeGreaterThanOrEqual(JOBS);
    expect(after).toEqual(expect.arrayContaining(answered));
    // none was found again: a worker whose store is away keeps its claim and its answer
    expect(after.filter((record) => record?.status !== 'COMPLETED' || record.source !== 'inference')).toEqual(
      [],
    );
    expect([held, ...jobs.ids].filter((id) => world.model.billed(id) !== 1)).toEqual([]);
    // nobody had to start them anew
    for (const { pid } of workers) expect(() => process.kill(pid, 0)).not.toThrow();
    await Promise.all(workers.map((worker) => worker.kill()));
  },
);

endsWithPromisesKept(() => world);
