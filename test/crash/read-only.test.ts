import { endsWithPromisesKept } from '../support/crash-history';
import { type CrashWorld, STEADY, startCrashWorld } from '../support/crash-world';
import { done } from '../support/kill-table';
import { INPUT, outcome } from '../support/killed-job';
import { turnReadOnly } from '../support/read-only';
import { until } from '../support/until';
import { untilLogged } from '../support/worker-process';

const SENTENCE = /^The store \S+read-only\.db can't be (written any more|read or written)[^.]*\.$/;

let world: CrashWorld;
beforeAll(async () => {
  world = await startCrashWorld();
});
afterAll(() => world.stop());

test('a store that turns read-only in use: nothing is sent, the answer in hand is kept, both say why; writable again, both jobs complete by themselves', async () => {
  const lane = await world.openLane('read-only');
  await world.holdCalls('in-call');
  const worker = await lane.startWorker({ env: STEADY });
  await lane.jobs.submit({ job_id: 'in-call', task: 'enrich', input: INPUT });
  await world.model.waitForHeld('in-call');

  const turnBack = turnReadOnly(lane.storeFile, worker.pid);
  try {
    await world.letGo('in-call');
    expect((await untilLogged(worker, 'store_away')).reason).toMatch(SENTENCE);
    await until('the model has answered', () => world.model.billed('in-call') === 1);
    // a client without the store: the run is what meets it
    await world.client.workflow.start('inferenceJob', {
      workflowId: 'to-claim',
      taskQueue: lane.taskQueue,
      args: [{ task: 'enrich', input: INPUT }],
    });
    const told = await until('whoever waits is told', () => lane.jobs.whyWaiting('to-claim'), 60_000);
    expect(told).toMatch(SENTENCE);
    expect(await lane.jobs.get('in-call')).toMatchObject({ status: 'IN_PROGRESS' });
    expect(await lane.jobs.get('to-claim')).toBeNull();
    expect(world.model.billed('to-claim')).toBe(0);
  } finally {
    turnBack();
  }
  for (const id of ['in-call', 'to-claim']) {
    expect(await outcome(lane, id)).toMatchObject(done('inference', 1));
    expect(world.model.billed(id)).toBe(1);
  }
}, 180_000);

endsWithPromisesKept(() => world);
