import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Client } from '@temporalio/client';
import { JobClient } from '../../src/client';
import { storeRecords } from '../../src/client/records';
import { makeSeed } from '../../src/client/submit';
import { waitForRecord } from '../../src/client/wait';
import { digesterOf } from '../../src/encryption/digester';
import { JobCanceledError, JobTimeoutError } from '../../src/errors';
import { cancel } from '../../src/once/rules/decide';
import { submit } from '../../src/once/rules/submit';
import { openMemoryStore } from '../../src/store/memory';
import { openStore } from '../../src/store/open';
import type { ResultStore } from '../../src/store/store';
import { connectCounting } from '../support/counts';
import { until } from '../support/until';
import { startWorld, type World } from '../support/world';
import { enrichJob, errorOf, INPUT, RESULT, runStatus } from './support';

/** Whether a waiter's pauses never end by themselves. */
let isStill = false;
jest.mock('node:timers', () => {
  const timers = jest.requireActual<typeof import('node:timers')>('node:timers');
  const pause = (end: () => void, ms: number) => (isStill ? undefined : timers.setTimeout(end, ms));
  return { ...timers, setTimeout: pause };
});

describe('the record is the answer, and who waits has it before its run has closed', () => {
  const folder = mkdtempSync(join(tmpdir(), 'infer-once-early-'));
  const url = `sqlite:${join(folder, 'store.db')}`;
  let mine: ResultStore;
  let theirs: ResultStore;
  let world: World;
  beforeAll(async () => {
    mine = await openStore(url);
    theirs = await openStore(url);
    world = await startWorld({ server: 'dev', store: theirs });
  });
  afterAll(async () => {
    await world.stop();
    await mine.close();
    await theirs.close();
    rmSync(folder, { recursive: true });
  });

  test('told by the store, of what another process has settled', async () => {
    // nobody takes its tasks: its run stays open
    const jobs = new JobClient({ client: world.client, store: mine, taskQueue: 'no-worker' });
    await jobs.submit(enrichJob('early'));
    const told = new Promise<void>((done) => void mine.onSettled!('early', done));
    const answer = errorOf(jobs.run(enrichJob('early')), JobCanceledError);
    await theirs.update('early', cancel(null));
    await told;
    expect((await answer).record).toMatchObject({ status: 'CANCELED', billed: 'no' });
    expect(await runStatus(world, 'early')).toBe('RUNNING');
    await world.client.workflow.getHandle('early').terminate();
  });

  test('and has it of Temporal, asked at once, where the store can’t tell', async () => {
    const dumb = join(folder, 'dumb.db');
    symlinkSync('/nowhere/at/all', `${dumb}-bell`);
    const store = await openStore(`sqlite:${dumb}`);
    const seen = await openStore(`sqlite:${dumb}`);
    expect(seen.onSettled!('dumb', () => undefined)).toBeNull();
    await world.addWorker({ store, taskQueue: 'dumb' });
    const counting = await connectCounting(world.address);
    const jobs = new JobClient({ client: counting.client, store: seen, taskQueue: 'dumb' });
    await world.model.rules({ match: { job_id: 'dumb' }, do: { hold: true } });
    const answer = jobs.run(enrichJob('dumb'));
    await until('its run is watched', () => counting.calls.GetWorkflowExecutionHistory === 1);
    await world.model.waitForHeld('dumb');
    await world.model.release('dumb');
    expect(await answer).toMatchObject({ status: 'COMPLETED', result: RESULT });
    expect(world.model.billed('dumb')).toBe(1);
    await counting.close();
    await seen.close();
    await store.close();
  });

  test('an orphan is started again also by who never waits for long', async () => {
    const jobs = new JobClient({ client: world.client, store: mine, taskQueue: 'no-worker' });
    await jobs.submit(enrichJob('orphan'));
    await world.client.workflow.getHandle('orphan').terminate();
    await until('it is started again', async () => {
      await errorOf(jobs.wait('orphan', { timeoutMs: 2_500 }), JobTimeoutError);
      return (await runStatus(world, 'orphan')) === 'RUNNING';
    });
    await world.client.workflow.getHandle('orphan').terminate();
  });
});

describe('who waits for a job, in a world where no time passes', () => {
  beforeEach(() => {
    isStill = true;
  });
  afterEach(() => {
    isStill = false;
  });

  test('is woken by the store', async () => {
    const store = openMemoryStore();
    const digester = digesterOf(null);
    // nothing is asked of Temporal
    const client = { workflow: {} } as Client;
    const records = storeRecords(client, store, digester);
    const scope = { client, store, records, digester, taskQueue: 'none' };
    const seed = makeSeed(scope, 'job', 'enrich', INPUT);
    await store.update('job', submit(seed));
    const answer = waitForRecord(scope, { key: 'job', isOpen: true }, new AbortController().signal);
    await new Promise(setImmediate);
    await store.update('job', cancel(seed));
    expect(await answer).toMatchObject({ status: 'CANCELED' });
  });
});
