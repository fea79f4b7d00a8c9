import { endsWithPromisesKept } from '../support/crash-history';
import { type CrashWorld, startCrashWorld } from '../support/crash-world';
import { streamJobs } from '../support/job-stream';
import { type PostgresPair, startPostgresPair } from '../support/postgres-pair';
import { until } from '../support/until';

const AT_ONCE = 6;

let pair: PostgresPair;
let world: CrashWorld;
beforeAll(async () => {
  pair = await startPostgresPair(true);
  world = await startCrashWorld({ makeStore: () => pair.createDatabase() });
  await world.model.rules({ match: {}, do: { delay_ms: 200 } });
});
afterAll(async () => {
  await world.stop();
  await pair.stop();
});

test('the primary killed under two workers and its synchronous standby promoted: every job is answered by one call', async () => {
  const lane = await world.openLane('failover');
  const workers = await Promise.all([lane.startWorker(), lane.startWorker()]);
  const jobs = streamJobs(lane, 'failover', { streams: AT_ONCE });
  await until('jobs are under way', () => jobs.told() >= 20);
  await pair.failOver();
  const before = jobs.told();
  await until('jobs go on', () => jobs.told() >= before + 40, 90_000);
  await jobs.end();
  expect(jobs.away()).toBeGreaterThan(0);
  const records = await Promise.all(jobs.ids.map((id) => lane.jobs.get(id)));
  expect(records.filter((record) => record?.status !== 'COMPLETED')).toEqual([]);
  expect(jobs.ids.filter((id) => world.model.billed(id) !== 1)).toEqual([]);
  // nobody had to start them anew
  for (const { pid } of workers) expect(() => process.kill(pid, 0)).not.toThrow();
});

endsWithPromisesKept(() => world);
