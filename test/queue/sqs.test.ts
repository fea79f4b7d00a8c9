import type { Delivery, Verdict } from '../../src/queue/queue';
import { openSqsQueue } from '../../src/queue/sqs';
import { AWS_ENV } from '../support/moto-server';
import { type SqsServer, startSqsServer, type TestQueue } from '../support/sqs-server';
import { until } from '../support/until';

let sqs: SqsServer;
const before = { ...process.env };
beforeAll(async () => {
  sqs = await startSqsServer();
  for (const [name, value] of Object.entries(AWS_ENV)) {
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  }
}, 240_000);
afterAll(async () => {
  process.env = before;
  await sqs.stop();
});

/** Consumes a queue by the adapter alone; resolves when `stop` was called and it has ended. */
function consume(queue: TestQueue, concurrency: number, handle: (d: Delivery) => Promise<Verdict>) {
  const adapter = openSqsQueue(new URL(queue.url));
  const stop = new AbortController();
  const faults: Error[] = [];
  const ended = adapter.consume(
    { concurrency, handle, ready: async () => undefined, onFault: (fault) => void faults.push(fault) },
    stop.signal,
  );
  return async () => {
    stop.abort();
    await ended;
    adapter.close();
    expect(faults).toEqual([]);
  };
}

test('as many messages are in hand at once as was asked for, also more than one poll takes, and no more', async () => {
  const queue = await sqs.makeQueue('at-once', { visibility: 60 });
  await queue.send(...Array.from({ length: 40 }, (_, index) => String(index)));
  let inHand = 0;
  let letGo = () => {};
  const goes = new Promise<void>((go) => {
    letGo = go;
  });
  const end = consume(queue, 25, async () => {
    inHand += 1;
    await goes;
    return 'acknowledge';
  });
  await until('all lanes are full', async () => inHand >= 25);
  // SQS delivers at least once, and this server gives a message to two polls now and then
  const { visible, inFlight } = await queue.counts();
  expect(inHand).toBe(25);
  expect(inFlight).toBeGreaterThan(10);
  expect(inFlight).toBeLessThanOrEqual(25);
  expect(visible + inFlight).toBe(40);
  letGo();
  await queue.untilEmpty();
  await end();
  expect(inHand).toBeGreaterThanOrEqual(40);
}, 60_000);

test('of one batch, what is acknowledged is deleted, and what is left comes back with its count of receives', async () => {
  const queue = await sqs.makeQueue('verdicts');
  await queue.send('keep', 'leave');
  const seen: Delivery[] = [];
  const end = consume(queue, 10, async (delivery) => {
    seen.push(delivery);
    return delivery.body === 'keep' || delivery.receives === 3 ? 'acknowledge' : 'leave';
  });
  await queue.untilEmpty();
  await end();
  const of = (body: string) => seen.filter((delivery) => delivery.body === body);
  expect(of('keep')).toHaveLength(1);
  expect(of('leave').map(({ receives }) => receives)).toEqual([1, 2, 3]);
  expect(new Set(of('leave').map(({ id }) => id)).size).toBe(1);
}, 60_000);
