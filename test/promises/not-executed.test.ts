import { tsToMs } from '@temporalio/common/lib/time';
import { JobFailedError } from '../../src';
import { until } from '../support/until';
import { startWorld, type World } from '../support/world';
import { addLane, enrichJob, errorOf, handleOf, type Lane, RESULT, untilRun } from './support';

const HOUR = 3_600_000;

describe('a call that was not executed is tried again, and is not paid for', () => {
  let world: World;
  let short: Lane;
  beforeAll(async () => {
    world = await startWorld();
    await world.addWorker();
    short = await addLane(world, 'short', { deadlineMs: 3_000 });
  });
  afterAll(() => world.stop());
  afterEach(() => world.model.rules());

  /** How long Temporal kept the job's one activity, its retries among it; in the server's time. */
  const waited = async (jobId: string): Promise<number> => {
    // the store has the record before Temporal has the activity's end
    await untilRun(world, jobId, 'COMPLETED');
    const { events = [] } = await handleOf(world, jobId).fetchHistory();
    const at = (what: 'Scheduled' | 'Completed') =>
      tsToMs(events?.find((event) => event[`activityTask${what}EventAttributes`])?.eventTime);
    return at('Completed') - at('Scheduled');
  };

  test('429 with Retry-After: 1800 waits the half hour that the provider asks for, then completes with one billed call', async () => {
    const headers = { 'retry-after': '1800' };
    await world.model.rules({ match: { job_id: 'limited' }, times: 1, do: { status: 429, headers } });
    const record = await world.jobs.run(enrichJob('limited'));
    expect(await waited('limited')).toBeGreaterThanOrEqual(HOUR / 2);
    expect(record).toMatchObject({ status: 'COMPLETED', result: RESULT, attempts: 2, billed: 'yes' });
    expect(world.model.billed('limited')).toBe(1);
  });

  test('a Retry-After of a day is capped at the configured hour', async () => {
    const headers = { 'retry-after': '86400' };
    await world.model.rules({ match: { job_id: 'capped' }, times: 1, do: { status: 429, headers } });
    await world.jobs.run(enrichJob('capped'));
    expect(await waited('capped')).toBeGreaterThanOrEqual(HOUR);
    expect(await waited('capped')).toBeLessThan(2 * HOUR);
    expect(world.model.billed('capped')).toBe(1);
  });

  test('an expired key (401) backs off, and the job completes once the key works again', async () => {
    await world.model.rules({ match: { job_id: 'key' }, times: 3, do: { status: 401 } });
    await world.jobs.submit(enrichJob('key'));
    const refused = await until('a refusal is on record', async () => (await world.jobs.get('key'))?.refusal);
    expect(refused).toMatchObject({ reason: 'unauthorized', message: expect.stringContaining('API key') });
    const record = await world.jobs.run(enrichJob('key'));
    expect(record.refusal).toBeNull();
    expect(await waited('key')).toBeGreaterThanOrEqual(1_000 + 2_000 + 4_000);
    expect(record).toMatchObject({ status: 'COMPLETED', attempts: 4 });
    expect(world.model.billed('key')).toBe(1);
  });

  test.each(['jobs', 'bare'] as const)(
    'a request that the provider refuses (400) fails unbilled, and a resubmission by %s runs it again',
    async (kind) => {
      const job = enrichJob(`refused-${kind}`);
      await world.model.rules({ match: { job_id: job.job_id }, do: { status: 400 } });
      const { record } = await errorOf(world[kind].run(job), JobFailedError);
      expect(record).toMatchObject({ status: 'FAILED', billed: 'no', error: { code: 'provider_rejected' } });
      expect(world.model.billed(job.job_id)).toBe(0);

      await world.model.rules();
      const again = await world[kind].run(job);
      expect(again).toMatchObject({ status: 'COMPLETED', result: RESULT, attempts: 2, billed: 'yes' });
      expect(world.model.billed(job.job_id)).toBe(1);
    },
  );

  test('at its deadline a job that was never executed fails as retries_exhausted, and may be submitted again', async () => {
    await world.model.rules({ match: { job_id: 'exhausted' }, do: { status: 429 } });
    const { record } = await errorOf(short.jobs.run(enrichJob('exhausted')), JobFailedError);
    expect(record).toMatchObject({ status: 'FAILED', billed: 'no', error: { code: 'retries_exhausted' } });
    expect(record!.attempts).toBeGreaterThan(1);
    expect(world.model.billed('exhausted')).toBe(0);

    await world.model.rules();
    expect((await short.jobs.run(enrichJob('exhausted'))).result).toEqual(RESULT);
    expect(world.model.billed('exhausted')).toBe(1);
  });
});
