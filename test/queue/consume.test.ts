import { type CrashWorld, type Lane, startCrashWorld } from '../support/crash-world';
import { outcome } from '../support/killed-job';
import { type SqsServer, startSqsServer } from '../support/sqs-server';
import { message, startConsumer } from './support';

let world: CrashWorld;
let sqs: SqsServer;
let lane: Lane;
beforeAll(async () => {
  [world, sqs] = await Promise.all([startCrashWorld(), startSqsServer()]);
  lane = await world.openLane('consume');
  await lane.startWorker();
}, 240_000);
afterAll(async () => {
  await Promise.all([world.stop(), sqs.stop()]);
});

test('a job sent three times is one job and one call, and every message of it is deleted', async () => {
  const queue = await sqs.makeQueue('duplicates');
  const ids = Array.from({ length: 7 }, (_, index) => `dup-${index}`);
  await queue.send(...[1, 2, 3].flatMap(() => ids.map((id) => message(id))));
  const consumer = startConsumer(world, lane, queue.url);
  await queue.untilEmpty();
  for (const id of ids) {
    expect(await outcome(lane, id)).toMatchObject({ status: 'COMPLETED', attempts: 1 });
    expect(world.model.billed(id)).toBe(1);
  }
  const { received, started, joined, replayed } = await consumer.stop();
  expect(received).toBe(21);
  expect(started).toBe(7);
  expect(Number(joined) + Number(replayed)).toBe(14);
}, 120_000);
