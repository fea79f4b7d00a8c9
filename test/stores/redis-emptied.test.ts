import { copyFileSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { JobClient } from '../../src';
import { UnreachableError } from '../../src/errors';
import { openStore } from '../../src/store/open';
import { errorOf } from '../promises/support';
import { endsWithPromisesKept } from '../support/crash-history';
import { type CrashWorld, STEADY, startCrashWorld } from '../support/crash-world';
import { INPUT, outcome } from '../support/killed-job';
import { type RedisServer, startRedis } from '../support/redis-server';
import { until } from '../support/until';

const jobOf = (job_id: string) => ({ job_id, task: 'enrich', input: INPUT });

let server: RedisServer;
let world: CrashWorld;
beforeAll(async () => {
  server = await startRedis('--appendonly', 'no');
  world = await startCrashWorld({ makeStore: async () => server.newStore() });
});
afterAll(async () => {
  await world.stop();
  await server.stop();
});

/** What the server has in memory, as a file beside its own. */
async function takeBackup(): Promise<string> {
  await server.admin('SAVE');
  const backup = join(server.folder, 'backup.rdb');
  renameSync(join(server.folder, 'dump.rdb'), backup);
  return backup;
}

/** A renewal in vain names its call, a save does not. */
const isSaveInVain = (line: string) => line.includes('store_away') && !line.includes('call_id');

async function restartWith(backup?: string): Promise<void> {
  await server.kill();
  if (backup) copyFileSync(backup, join(server.folder, 'dump.rdb'));
  await server.start();
}

test('a Redis that keeps nothing and comes back empty: no job is called again, what was answered is told, and with a backup the rest goes on', async () => {
  const lane = await world.openLane('emptied');
  const worker = await lane.startWorker({ env: STEADY });
  const { result } = await lane.jobs.run(jobOf('answered'));
  await world.holdCalls('in-call');
  await lane.jobs.submit(jobOf('in-call'));
  await world.model.waitForHeld('in-call');
  const backup = await takeBackup();

  await restartWith();
  expect((await errorOf(lane.jobs.submit(jobOf('answered')), UnreachableError)).message).toContain(
    'lost its data',
  );
  // its worker has the answer in hand, and nowhere to save it; then it is gone, too
  await world.letGo('in-call');
  await until('it can’t save it', () => readFileSync(worker.logFile, 'utf8').split('\n').some(isSaveInVain));
  await worker.kill();

  // who opens it now finds another store
  const emptied = await openStore(lane.storeUrl);
  const jobs = new JobClient({ client: world.client, store: emptied, taskQueue: lane.taskQueue });
  expect(await jobs.run(jobOf('answered'))).toMatchObject({ result, replayed: true, source: 'recovered' });
  const stranger = await lane.startWorker({ env: STEADY });
  await until('it leaves the job alone', async () => {
    const { raw } = await world.client.workflow.getHandle('in-call').describe();
    return raw.pendingActivities?.[0]?.lastFailure?.message?.includes('wrong store');
  });
  await emptied.close();
  await stranger.kill();

  await restartWith(backup);
  await lane.startWorker({ env: STEADY });
  expect(await outcome(lane, 'in-call')).toMatchObject({ status: 'COMPLETED', source: 'recovered' });
  expect(await lane.jobs.run(jobOf('answered'))).toMatchObject({ result, replayed: true });
  for (const id of ['answered', 'in-call']) expect(world.model.billed(id)).toBe(1);
}, 200_000);

endsWithPromisesKept(() => world);
