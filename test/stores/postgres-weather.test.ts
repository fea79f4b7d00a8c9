import { createRng } from '../sim/rng';
import { makeBadWeather } from '../support/bad-weather';
import { endsWithPromisesKept } from '../support/crash-history';
import { type CrashWorld, STEADY, startCrashWorld } from '../support/crash-world';
import { type Gate, openGate } from '../support/gate';
import { streamJobs } from '../support/job-stream';
import { type PostgresServer, startPostgres } from '../support/postgres-server';
import { until } from '../support/until';

const JOBS = 60;
const DELAY_MS = 5;

let server: PostgresServer;
let gate: Gate;
let world: CrashWorld;
beforeAll(async () => {
  server = await startPostgres();
  gate = await openGate(`127.0.0.1:${server.port}`, DELAY_MS);
  world = await startCrashWorld({ makeStore: () => server.createDatabase() });
});
afterAll(async () => {
  await world.stop();
  await gate.close();
  await server.stop();
});

test('a store behind a slow way that swallows replies, hangs and breaks under two workers: every job is answered by one call, and none is in doubt', async () => {
  const lane = await world.openLane('weather');
  const storeUrl = lane.storeUrl.replace(`127.0.0.1:${server.port}`, gate.address);
  const env = { ...STEADY, INFER_ONCE_STORE_URL: storeUrl };
  await Promise.all([lane.startWorker({ env }), lane.startWorker({ env })]);
  const endWeather = makeBadWeather(gate, createRng(Number(process.env.CRASH_SEED ?? 1)));
  const jobs = streamJobs(lane, 'weather', { streams: 8 });
  await until('jobs are told in bad weather', () => jobs.told() >= JOBS, 150_000);
  expect(await endWeather()).toBeGreaterThan(5);
  await jobs.end();
  const records = await Promise.all(jobs.ids.map((id) => lane.jobs.get(id)));
  expect(records.filter((record) => record?.status !== 'COMPLETED')).toEqual([]);
  expect(jobs.ids.filter((id) => world.model.billed(id) !== 1)).toEqual([]);
  // none was found again: a worker whose store is away keeps its claim and its answer
  expect(records.filter((record) => record?.source !== 'inference')).toEqual([]);
}, 240_000);

endsWithPromisesKept(() => world);
