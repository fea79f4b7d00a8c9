import { JobCanceledError, JobClient, JobFailedError } from '../../src';
import { until } from '../support/until';
import { startWorld, type World } from '../support/world';
import {
  addLane,
  enrichJob,
  errorOf,
  handleOf,
  type Lane,
  putOnHold,
  RESULT,
  rowOf,
  runStatus,
  startBare,
  untilRun,
  untilStatus,
  writeOrphan,
} from './support';

describe('a cancel says truly what was billed', () => {
  let world: World;
  let none: Lane;
  beforeAll(async () => {
    world = await startWorld();
    await world.addWorker();
    none = await addLane(world, 'none', { recovery: 'none' });
  });
  afterAll(() => world.stop());
  afterEach(() => world.model.rules());

  /** The model executes the call and then says nothing: until the caller has gone, it is in flight. */
  const silent = (job_id: string) => ({ match: { job_id }, do: { hang: true as const, bill: true } });

  const isInFlight = async (jobId: string) =>
    (await world.model.state()).in_flight.some((call) => call.job_id === jobId);

  test('before the call is sent: CANCELED, billed no, and nothing is sent', async () => {
    const { client, store } = world;
    const early = new JobClient({ client, store, taskQueue: 'later' });
    await early.submit(enrichJob('unsent'));
    await handleOf(world, 'unsent').cancel();
    const { jobs } = await addLane(world, 'later');
    await untilRun(world, 'unsent', 'CANCELLED');
    const { record } = await errorOf(jobs.wait('unsent'), JobCanceledError);
    expect(record).toMatchObject({ status: 'CANCELED', billed: 'no', attempts: 0 });
    expect(world.model.billed('unsent')).toBe(0);
    // nothing was paid: a resubmission runs it
    expect(await jobs.submit(enrichJob('unsent'))).toMatchObject({ created: true, replayed: false });
    expect((await untilStatus(world, 'unsent', 'COMPLETED')).result).toEqual(RESULT);
    expect(world.model.billed('unsent')).toBe(1);
  });

  test('in mid-call: the HTTP request is aborted, CANCELED, and the answer that the look-up finds is kept late', async () => {
    await world.model.rules(silent('mid'));
    await world.jobs.submit(enrichJob('mid'));
    await until('the call is billed', () => world.model.billed('mid') === 1);
    expect(await isInFlight('mid')).toBe(true);
    expect(await world.jobs.cancel('mid')).toMatchObject({ status: 'CANCELED', result: null });
    await world.model.waitForState(({ in_flight }) => !in_flight.some((call) => call.job_id === 'mid'));
    await untilRun(world, 'mid', 'CANCELLED');
    // what was found proves that it was executed
    expect(await world.jobs.get('mid')).toMatchObject({
      status: 'CANCELED',
      billed: 'yes',
      late_results: 1,
      result: null,
    });
    // a duplicate buys nothing
    await errorOf(world.jobs.run(enrichJob('mid')), JobCanceledError);
    await errorOf(world.bare.run(enrichJob('mid')), JobCanceledError);
    expect(world.model.billed('mid')).toBe(1);
  });

  test('in mid-call without recovery: CANCELED, billed unknown, and no answer is kept', async () => {
    await world.model.rules(silent('mid-none'));
    await none.jobs.submit(enrichJob('mid-none'));
    await until('the call is billed', () => world.model.billed('mid-none') === 1);
    const record = await none.jobs.cancel('mid-none');
    expect(record).toMatchObject({ status: 'CANCELED', billed: 'unknown', late_results: 0 });
    await world.model.waitForState(({ in_flight }) => !in_flight.some((call) => call.job_id === 'mid-none'));
    await untilRun(world, 'mid-none', 'CANCELLED');
    expect(await none.jobs.submit(enrichJob('mid-none'))).toMatchObject({
      status: 'CANCELED',
      billed: 'unknown',
      replayed: true,
    });
    expect(world.model.billed('mid-none')).toBe(1);
  });

  test('by a client without a store', async () => {
    await world.model.rules(silent('mid-bare'));
    await world.bare.submit(enrichJob('mid-bare'));
    await until('the call is billed', () => world.model.billed('mid-bare') === 1);
    expect(await world.bare.cancel('mid-bare')).toMatchObject({ status: 'CANCELED', billed: 'yes' });
    expect(world.model.billed('mid-bare')).toBe(1);
  });

  test('while it waits to try again after a 429: CANCELED, billed no, and it is not tried again', async () => {
    const headers = { 'retry-after': '1800' };
    await world.model.rules({ match: { job_id: 'backoff' }, do: { status: 429, headers } });
    await world.jobs.submit(enrichJob('backoff'));
    await until('the first try', async () => {
      const row = (await world.store.read('backoff')).job;
      return row?.status === 'PENDING' && row.attempts === 1;
    });
    const { requests } = await world.model.state();
    expect(await world.jobs.cancel('backoff')).toMatchObject({ status: 'CANCELED', billed: 'no' });
    await untilRun(world, 'backoff', 'CANCELLED');
    await world.env!.sleep('2 hours');
    expect((await world.model.state()).requests).toBe(requests);
    expect(await rowOf(world, 'backoff')).toMatchObject({ status: 'CANCELED', attempts: 1, calls: [] });
  });

  test('on hold: FAILED as abandoned, billed unknown, the decision on record', async () => {
    const { doubt } = await putOnHold(world, none, 'held');
    const record = await none.jobs.cancel('held');
    expect(record).toMatchObject({ status: 'FAILED', error: { code: 'abandoned' }, billed: 'unknown' });
    expect(record.decisions).toMatchObject([{ action: 'abandon', by: 'cancel', doubt: doubt!.token }]);
    await untilRun(world, 'held', 'FAILED');
    await errorOf(none.jobs.run(enrichJob('held')), JobFailedError);
    expect(world.model.billed('held')).toBe(1);
  });

  test('of a completed job: its record, unchanged', async () => {
    await world.jobs.run(enrichJob('done'));
    await untilRun(world, 'done', 'COMPLETED');
    const before = await rowOf(world, 'done');
    expect(await world.jobs.cancel('done')).toMatchObject({ status: 'COMPLETED', result: RESULT });
    expect(await world.bare.cancel('done')).toMatchObject({ status: 'COMPLETED', result: RESULT });
    expect(await rowOf(world, 'done')).toEqual(before);
  });

  test('of a failed job: a permit to run it again that was given before is void', async () => {
    await world.model.rules({ match: { job_id: 'void' }, times: 1, do: { status: 400 } });
    await errorOf(world.jobs.run(enrichJob('void')), JobFailedError);
    await untilRun(world, 'void', 'FAILED');
    const { token } = await rowOf(world, 'void');
    const canceled = await world.jobs.cancel('void');
    expect(canceled).toMatchObject({ status: 'FAILED', billed: 'no' });
    expect(canceled.token).toBeGreaterThan(token);
    // a submission from before the cancel arrives with its permit
    const { task, input } = enrichJob('void');
    const late = await startBare(world, 'void', { task, input, reopen: { token, paid: true } });
    await expect(late.result()).rejects.toMatchObject({ cause: { type: 'provider_rejected' } });
    expect(world.model.billed('void')).toBe(0);
    // one from after it runs
    expect((await world.jobs.run(enrichJob('void'))).result).toEqual(RESULT);
    expect(world.model.billed('void')).toBe(1);
  });

  test('of a job in doubt whose run an operator terminated: written directly', async () => {
    await putOnHold(world, none, 'stray-doubt');
    await handleOf(world, 'stray-doubt').terminate('by an operator');
    expect(await none.jobs.cancel('stray-doubt')).toMatchObject({
      status: 'FAILED',
      error: { code: 'abandoned' },
    });
    expect(await runStatus(world, 'stray-doubt')).toBe('TERMINATED');
    expect(world.model.billed('stray-doubt')).toBe(1);
  });

  test('of a job in mid-call whose run an operator terminated: billed unknown, and its answer is kept late', async () => {
    await world.model.rules({ match: { job_id: 'stray-call' }, do: { hold: true } });
    await world.jobs.submit(enrichJob('stray-call'));
    await world.model.waitForHeld('stray-call');
    await handleOf(world, 'stray-call').terminate('by an operator');
    expect(await world.jobs.cancel('stray-call')).toMatchObject({ status: 'CANCELED', billed: 'unknown' });
    // a closed run does not abort the call: its answer, paid for, is not thrown away
    await world.model.release('stray-call');
    await until('the late answer is kept', async () => (await world.jobs.get('stray-call'))?.late_results);
    expect(await world.jobs.get('stray-call')).toMatchObject({ status: 'CANCELED', billed: 'yes' });
    expect(world.model.billed('stray-call')).toBe(1);
  });

  test('of an orphan, a row whose submitter died before its start: CANCELED, billed no', async () => {
    await writeOrphan(world, 'orphan');
    expect(await world.jobs.cancel('orphan')).toMatchObject({ status: 'CANCELED', billed: 'no' });
    expect(await runStatus(world, 'orphan')).toBeNull();
  });
});
