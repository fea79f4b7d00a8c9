import { Client, Connection, WorkflowNotFoundError } from '@temporalio/client';
import { type CrashWorld, type Lane, STEADY, startCrashWorld } from '../support/crash-world';
import { type Gate, openGate } from '../support/gate';
import { outcome } from '../support/killed-job';
import { startSqsProxy } from '../support/sqs-proxy';
import { type SqsServer, startSqsServer, type TestQueue } from '../support/sqs-server';
import { until } from '../support/until';
import { type ConsumerProcess, killConsumers, message, startConsumer } from './support';

let world: CrashWorld;
let sqs: SqsServer;
/** What would keep this process from ending where a test fails. */
const doors: { close(): Promise<void> }[] = [];
beforeAll(async () => {
  [world, sqs] = await Promise.all([startCrashWorld(), startSqsServer()]);
}, 240_000);
afterAll(async () => {
  await killConsumers();
  await Promise.all([world.stop(), sqs.stop(), ...doors.map((door) => door.close())]);
});

/** A consumer that reaches Temporal through a gate, and waits for messages. */
async function startBehindGate(
  lane: Lane,
  { url }: Pick<TestQueue, 'url'>,
): Promise<[ConsumerProcess, Gate]> {
  const gate = await openGate(world.address);
  doors.push(gate);
  const consumer = startConsumer(world, lane, url, { env: { TEMPORAL_ADDRESS: gate.address } });
  await until('it has started', () => consumer.logged('consumer started').length === 1);
  return [consumer, gate];
}

test.concurrent('killed between the durable start and the delete: the redelivery meets the job, one call', async () => {
  const lane = await world.openLane('before-delete');
  await lane.startWorker({ env: STEADY });
  const queue = await sqs.makeQueue('before-delete');
  const proxy = await startSqsProxy(sqs.url, 'DeleteMessageBatch');
  doors.push(proxy);
  // of one the answer is there when its message comes back, of the other it is not
  const [settled, running] = ['deleted-never-1', 'deleted-never-2'] as const;
  await world.holdCalls(running);
  await queue.send(message(settled), message(running));
  const doomed = startConsumer(world, lane, proxy.through(queue.url));
  await until('its delete is on its way', () => proxy.seen('DeleteMessageBatch') > 0);
  await until('both have started', () => doomed.logged('started').length === 2);
  await doomed.kill();
  expect(await outcome(lane, settled)).toMatchObject({ status: 'COMPLETED', attempts: 1 });
  await world.model.waitForHeld(running);
  expect(await queue.counts().then(({ visible, inFlight }) => visible + inFlight)).toBe(2);

  const heir = startConsumer(world, lane, queue.url);
  await queue.untilEmpty();
  expect(await heir.stop()).toMatchObject({ received: 2, started: 0, joined: 1, replayed: 1, poison: 0 });
  await world.letGo(running);
  expect(await outcome(lane, running)).toMatchObject({ status: 'COMPLETED', attempts: 1 });
  for (const id of [settled, running]) expect(world.model.billed(id)).toBe(1);
}, 180_000);

test.concurrent('killed before the start: the message comes back and its job is started, one call', async () => {
  const lane = await world.openLane('before-start');
  await lane.startWorker({ env: STEADY });
  const queue = await sqs.makeQueue('before-start');
  const [doomed, gate] = await startBehindGate(lane, queue);
  gate.hold();
  await queue.send(message('started-never'));
  await until('its row is written', async () => (await lane.store.read('started-never')).job);
  await doomed.kill();
  gate.cut();
  const run = world.client.workflow.getHandle('started-never').describe();
  await expect(run).rejects.toThrow(WorkflowNotFoundError);
  expect(await queue.counts().then(({ visible, inFlight }) => visible + inFlight)).toBe(1);

  const heir = startConsumer(world, lane, queue.url);
  await queue.untilEmpty();
  expect(await heir.stop()).toMatchObject({ received: 1, started: 1 });
  expect(await outcome(lane, 'started-never')).toMatchObject({ status: 'COMPLETED', attempts: 1 });
  expect(world.model.billed('started-never')).toBe(1);
}, 180_000);

test.concurrent('Temporal away, then back: nothing is lost, deleted before its start, or moved to the dead letters', async () => {
  const lane = await world.openLane('away');
  await lane.startWorker({ env: STEADY });
  const queue = await sqs.makeQueue('away', { maxReceives: 2 });
  const ids = Array.from({ length: 6 }, (_, index) => `away-${index}`);
  const proxy = await startSqsProxy(sqs.url);
  doors.push(proxy);
  const [consumer, gate] = await startBehindGate(lane, { url: proxy.through(queue.url) });
  gate.cut();
  await queue.send(...ids.map((id) => message(id)));
  await until('it says that it waits', () => consumer.logged('waiting').length > 0, 60_000);
  const [receives, tries] = [proxy.seen('ReceiveMessage'), gate.refused()];
  await until('it has tried again', () => gate.refused() > tries + 1, 60_000);
  // one more would be the last before the dead letters
  expect(proxy.seen('ReceiveMessage')).toBe(receives);
  expect(await queue.counts()).toEqual({ visible: ids.length, inFlight: 0 });
  for (const id of ids) {
    await expect(world.client.workflow.getHandle(id).describe()).rejects.toThrow(WorkflowNotFoundError);
  }
  gate.open();
  await until('it goes on', () => consumer.logged('going on').length > 0, 120_000);
  await queue.untilEmpty();
  const counts = await consumer.stop();
  // as many as came with the one receive that met the outage were left once, and came back
  const left = counts.left as number;
  expect(left).toBeGreaterThan(0);
  expect(left).toBeLessThanOrEqual(ids.length);
  expect(counts).toMatchObject({ received: ids.length + left, poison: 0 });
  expect(consumer.logged('waiting')).toMatchObject([{ why: expect.stringMatching(/^[^\n]+\.$/) }]);
  for (const id of ids) {
    expect(await outcome(lane, id)).toMatchObject({ status: 'COMPLETED', attempts: 1 });
    expect(world.model.billed(id)).toBe(1);
  }
}, 240_000);

test.concurrent('told to stop while Temporal is away it ends well, and its messages stay', async () => {
  const lane = await world.openLane('stop-away');
  const queue = await sqs.makeQueue('stop-away');
  const [consumer, gate] = await startBehindGate(lane, queue);
  gate.cut();
  await queue.send(message('stays'));
  await until('it says that it waits', () => consumer.logged('waiting').length > 0, 60_000);
  expect(await consumer.stop()).toMatchObject({ received: 1, started: 0, left: 1 });
  expect(await queue.counts().then(({ visible, inFlight }) => visible + inFlight)).toBe(1);
}, 180_000);

test.concurrent('told to stop with messages in hand it finishes them, and takes no more', async () => {
  const lane = await world.openLane('drain');
  const queue = await sqs.makeQueue('drain', { visibility: 60 });
  const [consumer, gate] = await startBehindGate(lane, queue);
  gate.hold();
  await queue.send(message('in-hand-1'));
  await until('its row is written', async () => (await lane.store.read('in-hand-1')).job);
  const stopped = consumer.stop();
  await queue.send(message('not-taken'));
  gate.open();
  expect(await stopped).toMatchObject({ received: 1, started: 1, left: 0 });
  expect(await queue.counts()).toEqual({ visible: 1, inFlight: 0 });
  expect(await world.client.workflow.getHandle('in-hand-1').describe()).toMatchObject({
    status: { name: 'RUNNING' },
  });
}, 180_000);

test.concurrent("a message that has to wait for another input's run holds up no other, and comes back", async () => {
  const lane = await world.openLane('slow');
  const queue = await sqs.makeQueue('slow', { visibility: 30 });
  // of a bare client, and no worker runs that would write its record
  const connection = await Connection.connect({ address: world.address });
  const other = await new Client({ connection }).workflow.start('inferenceJob', {
    ...{ workflowId: 'taken', taskQueue: lane.taskQueue },
    args: [{ task: 'enrich', input: { title: 'another' } }],
  });
  await queue.send(message('taken'), message('beside'));
  const consumer = startConsumer(world, lane, queue.url);
  await until('it is left', () => consumer.logged('slow').length > 0, 60_000);
  await until('the other is deleted', async () => (await queue.counts()).inFlight === 1);
  expect(consumer.logged('slow')).toMatchObject([
    { job_id: 'taken', why: expect.stringContaining('comes back') },
  ]);
  expect(consumer.logged('waiting')).toEqual([]);
  expect(await consumer.stop()).toMatchObject({ received: 2, started: 1, left: 1 });
  await other.terminate();
  await connection.close();
}, 180_000);

test.concurrent('the queue away, then back: it says so once, and goes on', async () => {
  const lane = await world.openLane('queue-away');
  const queue = await sqs.makeQueue('queue-away');
  const gate = await openGate(new URL(sqs.url).host);
  doors.push(gate);
  const consumer = startConsumer(world, lane, `http://${gate.address}${new URL(queue.url).pathname}`);
  await until('it has started', () => consumer.logged('consumer started').length === 1);
  gate.cut();
  await until('it says that it waits', () => consumer.logged('waiting').length > 0);
  await queue.send(message('after-queue-away'));
  gate.open();
  await queue.untilEmpty();
  expect(await consumer.stop()).toMatchObject({ received: 1, started: 1 });
  const why = expect.stringContaining(`The queue does not answer at http://${gate.address}/`);
  expect(consumer.logged('waiting')).toMatchObject([{ why }]);
  expect(consumer.logged('going on')).toHaveLength(1);
}, 180_000);
