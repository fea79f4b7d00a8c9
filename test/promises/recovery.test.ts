import { JobFailedError } from '../../src';
import { openMemoryStore } from '../../src/store/memory';
import { until } from '../support/until';
import { startWorld, TEST_POLICY, type World } from '../support/world';
import { enrichJob, errorOf, losingAnswers, RESULT, rowOf, untilRun, untilStatus } from './support';

describe('an answer that was paid for and lost is recovered from the provider', () => {
  let world: World;
  let ahead = 0;
  beforeAll(async () => {
    world = await startWorld({ store: openMemoryStore({ now: () => Date.now() + ahead }) });
    await world.addWorker();
  });
  afterAll(() => world.stop());
  afterEach(() => world.model.rules());

  /** The provider can't be asked about this job for now. */
  const unlisted = (job_id: string) => ({ match: { route: 'list' as const, job_id }, do: { status: 503 } });

  test.each(['jobs', 'bare'] as const)('at once, for a waiting client (%s)', async (kind) => {
    const jobId = `lost-${kind}`;
    await world.model.rules(losingAnswers(jobId));
    const record = await world[kind].run(enrichJob(jobId));
    expect(record).toMatchObject({ status: 'COMPLETED', source: 'recovered', result: RESULT, attempts: 1 });
    expect(record.usage!.output_tokens).toBeGreaterThan(0);
    expect(record.request_id).toMatch(/^req_/);
    expect(world.model.billed(jobId)).toBe(1);
  });

  test('an answer cut off on its way, and one that is no JSON', async () => {
    await world.model.rules(
      { match: { job_id: 'half' }, do: { truncate: true } },
      { match: { job_id: 'html' }, do: { not_json: true } },
    );
    for (const jobId of ['half', 'html']) {
      expect(await world.jobs.run(enrichJob(jobId))).toMatchObject({ source: 'recovered', result: RESULT });
      expect(world.model.billed(jobId)).toBe(1);
    }
  });

  test('an answer that the provider shows only after a while: waiters go on waiting, nothing is decided', async () => {
    await world.model.rules({
      match: { job_id: 'slow-list' },
      do: { reset: 'after_billing', list_after_ms: 400 },
    });
    const record = await world.jobs.run(enrichJob('slow-list'));
    expect(record).toMatchObject({ source: 'recovered', result: RESULT, attempts: 1, decisions: [] });
    expect(world.model.billed('slow-list')).toBe(1);
  });

  test('an answer that turns up while the job is on hold completes it', async () => {
    await world.model.rules(unlisted('turns-up'), losingAnswers('turns-up'));
    await world.jobs.submit(enrichJob('turns-up'));
    await untilStatus(world, 'turns-up', 'IN_DOUBT');
    ahead += TEST_POLICY.settleMs;
    await world.env!.sleep('1 minute');
    const shown = await until('the job is shown to operators', async () => {
      const record = await world.jobs.get('turns-up');
      return record?.doubt?.recovering === false && record;
    });
    expect(shown.billed).toBe('unknown');

    await world.model.rules();
    await world.env!.sleep('2 hours');
    const record = await untilStatus(world, 'turns-up', 'COMPLETED');
    expect(record).toMatchObject({ source: 'recovered', result: RESULT, decisions: [] });
    await untilRun(world, 'turns-up', 'COMPLETED');
    expect(world.model.billed('turns-up')).toBe(1);
  });

  test('of two answers the oldest valid one wins, the other is kept beside the record', async () => {
    const content = (title: string) => JSON.stringify({ normalized_title: title, category: 'Horror' });
    const lost = (title: string) => ({
      match: { job_id: 'two' },
      times: 1,
      do: { reset: 'after_billing' as const, content: content(title) },
    });
    await world.model.rules(unlisted('two'), lost('first'), lost('second'));
    await world.jobs.submit(enrichJob('two'));
    const { doubt } = await untilStatus(world, 'two', 'IN_DOUBT');
    await world.jobs.resolve('two', { action: 'rerun', doubt: doubt!.token, by: 'ann' });
    await until('the second call is lost too', async () => {
      const row = await rowOf(world, 'two');
      return row.status === 'IN_DOUBT' && row.attempts === 2;
    });
    await world.model.rules();
    expect(await world.jobs.run(enrichJob('two'))).toMatchObject({
      source: 'recovered',
      result: { normalized_title: 'first' },
    });
    await until('the other is kept', async () => (await world.jobs.get('two'))?.late_results === 1);
    expect((await rowOf(world, 'two')).calls.map((call) => call.fate)).toEqual(['executed', 'executed']);
    expect(world.model.billed('two')).toBe(2);
  });

  test('a bad answer that is found fails the job, billed yes, and is not bought again by a duplicate', async () => {
    await world.model.rules({
      match: { job_id: 'bad' },
      do: { reset: 'after_billing', finish_reason: 'length' },
    });
    const { record } = await errorOf(world.jobs.run(enrichJob('bad')), JobFailedError);
    expect(record).toMatchObject({ status: 'FAILED', error: { code: 'truncated' }, billed: 'yes' });
    expect((await rowOf(world, 'bad')).calls[0]!.raw).toBeDefined();
    await errorOf(world.jobs.run(enrichJob('bad')), JobFailedError);
    expect(world.model.billed('bad')).toBe(1);
  });

  test('a bad answer that is found settles nothing while another call may still be answered', async () => {
    await world.model.rules(
      unlisted('bad-open'),
      {
        match: { job_id: 'bad-open' },
        times: 1,
        do: { reset: 'after_billing', finish_reason: 'length' },
      },
      { match: { job_id: 'bad-open' }, do: { reset: 'before' } },
    );
    await world.jobs.submit(enrichJob('bad-open'));
    const { doubt } = await untilStatus(world, 'bad-open', 'IN_DOUBT');
    await world.jobs.resolve('bad-open', { action: 'rerun', doubt: doubt!.token, by: 'ann' });
    await until('the second call is in doubt', async () => {
      const row = await rowOf(world, 'bad-open');
      return row.status === 'IN_DOUBT' && row.attempts === 2;
    });
    const { lists } = await world.model.state();
    await world.model.rules();
    await world.env!.sleep('1 minute');
    await world.model.waitForState((state) => state.lists > lists);
    const row = await until('the bad answer is known', async () => {
      const seen = await rowOf(world, 'bad-open');
      return seen.calls[0]!.fate === 'executed' && seen;
    });
    expect(row).toMatchObject({ status: 'IN_DOUBT', billed: 'yes', calls: [{}, { fate: 'open' }] });
    expect(world.model.billed('bad-open')).toBe(1);
  });
});
