import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { WorkflowNotFoundError } from '@temporalio/client';
import { type Child, startChild } from '../support/child';
import { endsWithPromisesKept } from '../support/crash-history';
import { type CrashWorld, STEADY, startCrashWorld } from '../support/crash-world';
import { INPUT, outcome } from '../support/killed-job';
import { withDatabase } from '../support/sqlite-file';
import { until } from '../support/until';
import { JITI, untilLogged } from '../support/worker-process';

const SUPPORT = join(__dirname, '..', 'support');
const jobOf = (job_id: string) => ({ job_id, task: 'enrich', input: INPUT });

let world: CrashWorld;
let holder: Child | undefined;
beforeAll(async () => {
  world = await startCrashWorld();
});
afterAll(async () => {
  holder?.process.kill('SIGKILL');
  await world.stop();
});

test.concurrent('a submitter killed between its row and its start: the next submission runs the job', async () => {
  const lane = await world.openLane('orphan');
  const job = jobOf('orphan');
  const child = spawnSync(
    process.execPath,
    [
      JITI,
      join(SUPPORT, 'submit-child.ts'),
      world.address,
      lane.storeFile,
      lane.taskQueue,
      JSON.stringify(job),
    ],
    { encoding: 'utf8' },
  );
  expect(child).toMatchObject({ signal: 'SIGKILL', stderr: '' });
  expect(await lane.jobs.get('orphan')).toMatchObject({ status: 'PENDING', attempts: 0 });
  await expect(world.client.workflow.getHandle('orphan').describe()).rejects.toThrow(WorkflowNotFoundError);

  await lane.startWorker();
  const answers = await Promise.all([lane.jobs.submit(job), lane.jobs.submit(job)]);
  expect(answers.filter(({ created }) => created)).toHaveLength(1);
  expect(await outcome(lane, 'orphan')).toMatchObject({
    status: 'COMPLETED',
    source: 'inference',
    attempts: 1,
  });
  expect(world.model.billed('orphan')).toBe(1);
}, 180_000);

test.concurrent('a worker on another store sends nothing and says why; the right one then completes', async () => {
  const lane = await world.openLane('stores');
  const wrong = await world.openLane('stores-wrong');
  await world.holdCalls('stores-bare');
  const first = await lane.startWorker();
  // a bare client names no store: the first attempt's heartbeat does
  await world.client.workflow.start('inferenceJob', {
    workflowId: 'stores-bare',
    taskQueue: 'stores',
    args: [{ task: 'enrich', input: INPUT }],
  });
  await world.model.waitForHeld('stores-bare');
  await first.kill();
  const stray = await lane.startWorker({ env: { INFER_ONCE_STORE_URL: `sqlite:${wrong.storeFile}` } });
  await lane.jobs.submit(jobOf('stores-named'));
  for (const id of ['stores-bare', 'stores-named']) {
    const said = await until(`${id} shows its failure`, () => lastFailure(id));
    expect(said).toContain(`wrong store: this job's record is in store ${lane.store.id}`);
    // whoever waits for the job is told, too
    expect(await lane.jobs.whyWaiting(id)).toBe(said);
    expect(await wrong.jobs.get(id)).toBeNull();
  }
  await stray.kill();
  await world.letGo('stores-bare');
  await lane.startWorker();
  expect(await outcome(lane, 'stores-bare')).toMatchObject({ status: 'COMPLETED', source: 'recovered' });
  expect(await outcome(lane, 'stores-named')).toMatchObject({ status: 'COMPLETED', source: 'inference' });
  for (const id of ['stores-bare', 'stores-named']) expect(world.model.billed(id)).toBe(1);
}, 180_000);

/** What Temporal shows of the pending activity's last attempt; a lost heartbeat is not yet the stray's word. */
async function lastFailure(id: string): Promise<string | false> {
  const { raw } = await world.client.workflow.getHandle(id).describe();
  const message = raw.pendingActivities?.[0]?.lastFailure?.message ?? '';
  return message.includes('store') && message;
}

test.concurrent('a store that is away when the answer comes: the answer is kept, and saved when it is back', async () => {
  const lane = await world.openLane('locked');
  await world.holdCalls('locked');
  const worker = await lane.startWorker({ env: STEADY });
  await lane.jobs.submit(jobOf('locked'));
  await world.model.waitForHeld('locked');
  holder = startChild(join(SUPPORT, 'store-child.js'), 'hold', `sqlite:${lane.storeFile}`);
  await holder.said(1);
  await world.letGo('locked');
  await untilLogged(worker, 'store_away');
  expect(world.model.billed('locked')).toBe(1);
  holder.tell('let go');
  expect(await holder.ended).toBe(0);
  expect(await outcome(lane, 'locked')).toMatchObject({
    status: 'COMPLETED',
    source: 'inference',
    attempts: 1,
  });
  expect(world.model.billed('locked')).toBe(1);
}, 180_000);

test.concurrent('a disk that is full when the answer comes: the answer is kept, and saved when there is room again', async () => {
  const lane = await world.openLane('full');
  const big = 'x'.repeat(400_000);
  const promptJob = (job_id: string) => ({ job_id, task: 'prompt', input: { prompt: 'tell' } });
  await world.setRule('filler', { content: big });
  await lane.startWorker().then(async (worker) => {
    await lane.jobs.run(promptJob('filler'));
    await worker.kill();
  });
  const pages = withDatabase(lane.storeFile, (db) => db.prepare('PRAGMA page_count').get()) as {
    page_count: number;
  };
  await world.setRule('full', { content: big });
  const limits = { ...STEADY, CRASH_MAX_PAGES: String(pages.page_count + 40) };
  const worker = await lane.startWorker({ env: limits });
  await lane.jobs.submit(promptJob('full'));
  await untilLogged(worker, 'store_away');
  expect(world.model.billed('full')).toBe(1);

  await lane.jobs.forget('filler');
  const record = await outcome(lane, 'full');
  expect(record).toMatchObject({ status: 'COMPLETED', source: 'inference', attempts: 1 });
  expect((record.result as { text: string }).text).toHaveLength(big.length);
  expect(world.model.billed('full')).toBe(1);
}, 180_000);

test.concurrent('a damaged row stops the job without a second call; put back, the job goes on', async () => {
  const lane = await world.openLane('damaged');
  await world.holdCalls('damaged');
  await lane.startWorker();
  await lane.jobs.submit(jobOf('damaged'));
  await world.model.waitForHeld('damaged');
  const { doc } = withDatabase(lane.storeFile, (db) => {
    const kept = db.prepare(`SELECT doc FROM jobs WHERE key = 'damaged'`).get() as { doc: string };
    db.exec(`UPDATE jobs SET doc = '{"key":' WHERE key = 'damaged'`);
    return kept;
  });
  await world.letGo('damaged');
  const handle = world.client.workflow.getHandle('damaged');
  await expect(handle.result()).rejects.toMatchObject({ cause: { type: 'store_corrupt' } });
  await expect(lane.jobs.submit(jobOf('damaged'))).rejects.toMatchObject({ code: 'store_corrupt' });
  expect(world.model.billed('damaged')).toBe(1);

  withDatabase(lane.storeFile, (db) => db.prepare(`UPDATE jobs SET doc = ? WHERE key = 'damaged'`).run(doc));
  await lane.jobs.submit(jobOf('damaged'));
  expect(await outcome(lane, 'damaged')).toMatchObject({
    status: 'COMPLETED',
    source: 'recovered',
    attempts: 1,
  });
  expect(world.model.billed('damaged')).toBe(1);
}, 180_000);

endsWithPromisesKept(() => world);
