import { type CrashWorld, type Lane, STEADY, startCrashWorld } from '../support/crash-world';
import { outcome } from '../support/killed-job';
import { type SqsServer, startSqsServer } from '../support/sqs-server';
import { until } from '../support/until';
import { killConsumers, message, startConsumer } from './support';

let world: CrashWorld;
let sqs: SqsServer;
let lane: Lane;
beforeAll(async () => {
  [world, sqs] = await Promise.all([startCrashWorld(), startSqsServer()]);
  lane = await world.openLane('consume');
  await lane.startWorker({ env: STEADY });
}, 240_000);
afterAll(async () => {
  await killConsumers();
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
  const { received, started, joined, replayed, ...others } = await consumer.stop();
  expect({ received, started }).toEqual({ received: 21, started: 7 });
  expect(Number(joined) + Number(replayed)).toBe(14);
  expect(others).toMatchObject({ poison: 0, left: 0 });
}, 120_000);

test('a message is deleted when its job has started: nobody waits for the answer', async () => {
  const queue = await sqs.makeQueue('no-wait');
  await world.holdCalls('no-wait');
  await queue.send(message('no-wait'));
  const consumer = startConsumer(world, lane, queue.url);
  await world.model.waitForHeld('no-wait');
  await queue.untilEmpty();
  expect(await consumer.stop()).toMatchObject({ received: 1, started: 1 });
  expect(world.model.billed('no-wait')).toBe(0);
  await world.letGo('no-wait');
  expect(await outcome(lane, 'no-wait')).toMatchObject({ status: 'COMPLETED', attempts: 1 });
}, 120_000);

test('a job that failed and was paid for is not bought again by a redelivery, whose message is deleted', async () => {
  const queue = await sqs.makeQueue('paid-failure');
  await world.setRule('paid-failure', { finish_reason: 'length' });
  await queue.send(message('paid-failure'));
  const consumer = startConsumer(world, lane, queue.url);
  await queue.untilEmpty();
  const failed = await outcome(lane, 'paid-failure');
  expect(failed).toMatchObject({ status: 'FAILED', billed: 'yes' });
  await world.setRule('paid-failure', null);
  await queue.send(message('paid-failure'));
  await until('the redelivery is told from the record', () => consumer.logged('replayed').length === 1);
  await queue.untilEmpty();
  expect(await consumer.stop()).toMatchObject({ received: 2, started: 1, replayed: 1 });
  expect(await lane.jobs.get('paid-failure')).toEqual(failed);
  expect(world.model.billed('paid-failure')).toBe(1);
}, 120_000);

test('poison ends in the dead-letter queue with one log line a receipt, and the messages beside it go on', async () => {
  const SECRET = 'hunter2';
  await lane.jobs.run({ job_id: 'mine', task: 'enrich', input: { title: 'first' } });
  await lane.jobs.run({ job_id: 'erased', task: 'enrich', input: { title: 'first' } });
  await lane.jobs.forget('erased');
  const poison: [jobId: string | null, code: string, body: object | string][] = [
    [null, 'bad_message', `{"job_id": "cut", "task": "enrich", "input": {"title": "${SECRET}`],
    ['no-input', 'bad_message', { job_id: 'no-input', task: 'enrich', title: SECRET }],
    ['a b', 'bad_message', message('a b', { title: SECRET })],
    ['no-task', 'unknown_task', { job_id: 'no-task', task: 'enlarge', input: SECRET }],
    ['number', 'invalid_input', `{"job_id": "number", "task": "enrich", "input": {"${SECRET}": ${2 ** 53}}}`],
    ['mine', 'input_mismatch', message('mine', { title: SECRET })],
    ['erased', 'forgotten', message('erased', { title: SECRET })],
  ];
  const queue = await sqs.makeQueue('poison', { maxReceives: 2 });
  const good = ['beside-1', 'beside-2', 'beside-3'];
  await queue.send(...poison.map(([, , body]) => body), ...good.map((id) => message(id)));
  const consumer = startConsumer(world, lane, queue.url);
  const dead = await queue.untilDead(poison.length);
  const texts = poison.map(([, , body]) => (typeof body === 'string' ? body : JSON.stringify(body)));
  expect(dead.sort()).toEqual(texts.sort());
  await queue.untilEmpty();
  for (const id of good) expect(await outcome(lane, id)).toMatchObject({ status: 'COMPLETED' });
  const counts = await consumer.stop();
  expect(counts).toMatchObject({ received: 17, started: 3, poison: 14, left: 0 });
  const told = consumer.logged('poison');
  for (const [job_id, code] of poison) {
    const ours = told.filter((line) => line.job_id === job_id);
    expect(ours).toMatchObject([
      { code, receives: 1, message_id: ours[0]!.message_id, why: expect.stringMatching(/^[^\n]+\.$/) },
      { code, receives: 2, message_id: ours[0]!.message_id },
    ]);
  }
  expect(JSON.stringify(consumer.log())).not.toContain(SECRET);
  expect(await lane.jobs.get('mine')).toMatchObject({
    status: 'COMPLETED',
    result: { normalized_title: 'First' },
  });
}, 120_000);

test('what SNS wraps is unwrapped, and more messages than one poll takes are in hand at once', async () => {
  const queue = await sqs.makeQueue('fan-out');
  const ids = Array.from({ length: 35 }, (_, index) => `fan-${index}`);
  const wrap = (id: string) => ({
    ...{ Type: 'Notification', MessageId: id, TopicArn: 'arn:aws:sns:eu-west-1:123456789012:jobs' },
    Message: JSON.stringify(message(id)),
  });
  await queue.send(...ids.map(wrap));
  const consumer = startConsumer(world, lane, queue.url, { args: ['--concurrency', '25'] });
  await queue.untilEmpty();
  expect(await consumer.stop()).toMatchObject({ received: 35, started: 35 });
  for (const id of ids) expect(await outcome(lane, id)).toMatchObject({ status: 'COMPLETED', attempts: 1 });
}, 120_000);

test('a queue without a redrive policy is told of once, at the start, and stderr holds nothing but log lines', async () => {
  const [bare, safe] = [await sqs.makeQueue('bare'), await sqs.makeQueue('safe', { maxReceives: 5 })];
  for (const [queue, lines] of [
    [bare, 1],
    [safe, 0],
  ] as const) {
    const consumer = startConsumer(world, lane, queue.url);
    await until('it has started', () => consumer.logged('consumer started').length === 1);
    expect(await consumer.stop()).toMatchObject({ received: 0 });
    expect(consumer.logged('consumer started')).toMatchObject([
      {
        queue: queue.url,
        task_queue: 'consume',
        concurrency: 10,
        tasks: expect.arrayContaining(['enrich', 'prompt']),
      },
    ]);
    expect(consumer.logged('no redrive policy')).toHaveLength(lines);
  }
}, 120_000);

test('a FIFO queue is consumed as any other, and nothing is said on stdout', async () => {
  const queue = await sqs.makeQueue('ordered', { fifo: true, maxReceives: 5 });
  await queue.send(message('fifo-1'), message('fifo-2'));
  const consumer = startConsumer(world, lane, queue.url);
  await queue.untilEmpty();
  expect(await consumer.stop()).toMatchObject({ received: 2, started: 2 });
}, 120_000);
