import { Client } from '@temporalio/client';
import { ConfigError, InputMismatchError, JobClient, JobFailedError } from '../../src';
import { encryptedDataConverter } from '../../src/encryption/data-converter';
import type { EncryptionKeys } from '../../src/encryption/keys';
import { createMetrics } from '../../src/metrics';
import { openMemoryStore } from '../../src/store/memory';
import { sealedStore } from '../../src/store/sealed';
import type { ResultStore } from '../../src/store/store';
import { testKeys } from '../support/encryption-keys';
import { rawHistory } from '../support/raw-history';
import { until } from '../support/until';
import { startWorld, type World } from '../support/world';
import { addLane, enrichJob, errorOf, handleOf, putOnHold, RESULT, rowOf, startBare } from './support';

const CANARY = 'canary-5f1d';
const LARGE = enrichJob('large-waits', { title: 'x'.repeat(100_000) });
const OTHER = { title: 'another film' };

/** One job of each end, whose input and answer have the canary. */
async function runCanaries({ jobs, model }: World): Promise<string[]> {
  const input = { title: `${CANARY} in the input` };
  const content = JSON.stringify({ ...RESULT, normalized_title: `${CANARY} in the answer` });
  await model.rules(
    { match: { job_id: 'canary-well' }, do: { content } },
    { match: { job_id: 'canary-bad' }, do: { refusal: `${CANARY} in a refusal` } },
  );
  const { result } = await jobs.run(enrichJob('canary-well', input));
  expect(result).toMatchObject({ normalized_title: `${CANARY} in the answer` });
  await errorOf(jobs.run(enrichJob('canary-bad', input)), JobFailedError);
  await errorOf(jobs.run(enrichJob('canary-invalid', { titel: CANARY })), JobFailedError);
  await model.rules();
  return ['canary-well', 'canary-bad', 'canary-invalid'];
}

const countIn = async ({ client }: World, ids: string[]) => {
  const histories = await Promise.all(ids.map((id) => rawHistory(client, id)));
  return histories.filter((bytes) => bytes.includes(CANARY)).length;
};

describe('with encryption on', () => {
  let world: World;
  const keys = testKeys('k1');
  beforeAll(async () => {
    world = await startWorld({ encryption: keys });
    // as in production: what counts the store's writes must not hide its keys
    await world.addWorker({ metrics: createMetrics() });
  });
  afterAll(() => world.stop());

  test('nothing of an input, an answer or an error is readable in history', async () => {
    const ids = await runCanaries(world);
    expect(await countIn(world, ids)).toBe(0);
    const raw = await rawHistory(world.client, 'canary-bad');
    expect(raw.includes('binary/encrypted')).toBe(true);
    expect(raw.includes('k1')).toBe(true);
    expect(raw.includes('Encoded failure')).toBe(true);
  });

  test.each(['jobs', 'bare'] as const)(
    'a duplicate is joined and another input refused: %s',
    async (kind) => {
      const client = world[kind];
      const first = await client.run(enrichJob(`same-${kind}`));
      expect(first).toMatchObject({ result: RESULT, input_digest: expect.stringMatching(/^hmac-sha256-/) });
      for (const other of [world.jobs, world.bare]) {
        expect(await other.run(enrichJob(`same-${kind}`))).toMatchObject({ result: RESULT, replayed: true });
        await errorOf(other.run(enrichJob(`same-${kind}`, OTHER)), InputMismatchError);
      }
      expect(world.model.billed(`same-${kind}`)).toBe(1);
    },
  );

  test('an input that travels by reference keeps its digest', async () => {
    const large = enrichJob('large', { title: 'x'.repeat(100_000) });
    await world.jobs.run(large);
    expect(await world.jobs.run(large)).toMatchObject({ replayed: true });
    expect(Object.keys((await rowOf(world, 'large')).input!)).toContain('blob');
    expect(world.model.billed('large')).toBe(1);
  });

  test('a run that a plain client started is a job like another', async () => {
    await startBare(world, 'plain-client', { task: 'enrich', input: { title: '  the   alien (1979)' } });
    expect((await world.jobs.run(enrichJob('plain-client'))).result).toEqual(RESULT);
    expect(world.model.billed('plain-client')).toBe(1);
  });

  test('a client that would write inputs into history in the clear is refused', () => {
    const client = new Client({ connection: world.client.connection });
    expect(() => new JobClient({ client, store: world.store })).toThrow(ConfigError);
    expect(() => new JobClient({ client, encryption: keys })).toThrow('encryptedDataConverter(keys)');
  });
});

describe('where encryption is switched on', () => {
  let world: World;
  let backend: ResultStore;
  let encrypted: World;
  let hold: Awaited<ReturnType<typeof addLane>>;
  const keys = testKeys('k1');

  beforeAll(async () => {
    backend = openMemoryStore();
    // a real server: the next worker is to take over what the one before had sticky
    world = await startWorld({ server: 'dev', store: sealedStore(backend, null) });
    const before = await world.addWorker();
    const lane = await addLane(world, 'none', { recovery: 'none' });
    await world.jobs.run(enrichJob('yesterday'));
    await world.jobs.run(enrichJob('yesterday-lost'));
    await putOnHold(world, lane, 'held');
    await new JobClient({ ...world, taskQueue: 'later' }).submit(LARGE);
    await lane.worker.stop();
    await before.stop();

    encrypted = withKeys(world, backend, keys);
    await world.addWorker({ store: encrypted.store });
    hold = await addLane(encrypted, 'none', { recovery: 'none' }, { store: encrypted.store });
  });
  afterAll(() => world.stop());

  test('the jobs of before are the same jobs: with the same input replayed, with another refused', async () => {
    for (const client of [encrypted.jobs, encrypted.bare]) {
      expect(await client.run(enrichJob('yesterday'))).toMatchObject({ result: RESULT, replayed: true });
      await errorOf(client.run(enrichJob('yesterday', OTHER)), InputMismatchError);
    }
    expect(world.model.billed('yesterday')).toBe(1);
  });

  test('a run that was open over the switch is joined, and settled', async () => {
    const { doubt } = (await hold.jobs.get('held'))!;
    expect(await hold.jobs.submit(enrichJob('held'))).toMatchObject({ created: false, status: 'IN_DOUBT' });
    await errorOf(hold.jobs.submit(enrichJob('held', OTHER)), InputMismatchError);
    await hold.jobs.resolve('held', { action: 'abandon', doubt: doubt!.token, by: 'ann' });
    expect(await hold.jobs.get('held')).toMatchObject({ status: 'FAILED', error: { code: 'abandoned' } });
    expect((await backend.read('held')).job?.sealed).toBeDefined();
    expect(world.model.billed('held')).toBe(1);
  });

  test('a large input that waited over the switch, by its reference, is found and sent once', async () => {
    const runId = async () => (await handleOf(encrypted, 'large-waits').describe()).runId;
    const first = await runId();
    const { jobs } = await addLane(encrypted, 'later', {}, { store: encrypted.store });
    expect(await jobs.run(LARGE)).toMatchObject({ status: 'COMPLETED', created: false });
    expect(world.model.billed('large-waits')).toBe(1);
    // by the run that waited: it has not missed its job
    expect(await runId()).toBe(first);
  });

  test('a result that only history still has is taken over', async () => {
    const emptied = withKeys(world, openMemoryStore(), keys);
    expect(await emptied.jobs.run(enrichJob('yesterday-lost'))).toMatchObject({ result: RESULT });
    expect(world.model.billed('yesterday-lost')).toBe(1);
  });
});

/** The same world as a process with keys sees it. */
function withKeys(world: World, backend: ResultStore, keys: EncryptionKeys): World {
  const store = sealedStore(backend, keys);
  const { connection } = world.client;
  const client = new Client({ connection, dataConverter: encryptedDataConverter(keys) });
  return {
    ...world,
    client,
    store,
    jobs: new JobClient({ client, store }),
    bare: new JobClient({ client }),
  };
}

test('without keys the same canaries are found, so that the search can find', async () => {
  const world = await startWorld();
  await world.addWorker();
  const ids = await runCanaries(world);
  expect(await countIn(world, ids)).toBe(ids.length);
  await world.stop();
});

test('a worker without the keys leaves the job to one that has them', async () => {
  const keys = testKeys('k1');
  const backend = openMemoryStore();
  const world = await startWorld({ server: 'dev', store: sealedStore(backend, keys), encryption: keys });
  for (const others of [null, testKeys('k2')]) {
    const jobId = `left-by-${others ? 'another-key' : 'no-keys'}`;
    const without = await world.addWorker({ store: sealedStore(backend, others) });
    await world.jobs.submit(enrichJob(jobId));
    await until('the worker has met what it can not read', async () => {
      const { raw } = await world.client.workflow.getHandle(jobId).describe();
      const tasks = (await world.client.workflow.getHandle(jobId).fetchHistory()).events ?? [];
      const failed = tasks.some((event) => event.workflowTaskFailedEventAttributes);
      return failed || raw.pendingActivities?.some(({ lastFailure }) => lastFailure);
    });
    const before = (await backend.read(jobId)).job;
    await without.stop();
    const keyed = await world.addWorker();
    expect(await world.jobs.run(enrichJob(jobId))).toMatchObject({ result: RESULT });
    expect(before).toMatchObject({ status: 'PENDING', attempts: 0 });
    expect(world.model.billed(jobId)).toBe(1);
    await keyed.stop();
  }
  await world.stop();
});
