import { createRng } from '../sim/rng';
import { makeBadWeather } from '../support/bad-weather';
import { endsWithPromisesKept } from '../support/crash-history';
import { type CrashWorld, STEADY, startCrashWorld } from '../support/crash-world';
import { openGate } from '../support/gate';
import { streamJobs } from '../support/job-stream';
import { AWS_CHILD_ENV } from '../support/moto-server';
import { STORE_SERVERS, type StoreServer } from '../support/store-servers';
import { until } from '../support/until';

const DELAY_MS = 5;
const ADDRESS = /127\.0\.0\.1:\d+/;

const servers: StoreServer[] = [];
let world: CrashWorld;
beforeAll(async () => {
  world = await startCrashWorld({ makeStore: () => servers.at(-1)!.newStore(), storeEnv: AWS_CHILD_ENV });
});
afterAll(async () => {
  await world.stop();
  await Promise.all(servers.map((server) => server.stop()));
});

test.each([
  { name: 'PostgreSQL', start: STORE_SERVERS.PostgreSQL, jobs: 60 },
  { name: 'Redis', start: STORE_SERVERS.Redis, jobs: 60 },
  { name: 'DynamoDB', start: STORE_SERVERS.DynamoDB, jobs: 30 },
])(
  '$name behind a slow way that swallows replies, hangs and breaks under two workers: every job is answered by one call, and none is in doubt',
  async ({ name, start, jobs: size }) => {
    servers.push(await start());
    const lane = await world.openLane(name);
    const gate = await openGate(lane.storeUrl.match(ADDRESS)![0], DELAY_MS);
    const env = { ...STEADY, INFER_ONCE_STORE_URL: lane.storeUrl.replace(ADDRESS, gate.address) };
    const workers = await Promise.all([1, 2].map(() => lane.startWorker({ env })));
    const endWeather = makeBadWeather(gate, createRng(Number(process.env.CRASH_SEED ?? 1)));
    const jobs = streamJobs(lane, name, { streams: 8 });
    await until('jobs are told in bad weather', () => jobs.told() >= size, 150_000);
    expect(await endWeather()).toBeGreaterThan(5);
    await jobs.end();
    const records = await Promise.all(jobs.ids.map((id) => lane.jobs.get(id)));
    expect(records.filter((record) => record?.status !== 'COMPLETED')).toEqual([]);
    expect(jobs.ids.filter((id) => world.model.billed(id) !== 1)).toEqual([]);
    // none was found again: a worker whose store is away keeps its claim and its answer
    expect(records.filter((record) => record?.source !== 'inference')).toEqual([]);
    await Promise.all(workers.map((worker) => worker.kill()));
    await gate.close();
  },
  240_000,
);

endsWithPromisesKept(() => world);
