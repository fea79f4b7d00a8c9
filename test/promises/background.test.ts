import { JobCanceledError, JobClient, JobFailedError, JobInDoubtError } from '../../src';
import type { JobRecord } from '../../src/job';
import { providerCopies } from '../../src/provider/copies';
import { createProvider } from '../../src/provider/openai';
import { loadTasks } from '../../src/tasks/registry';
import { until } from '../support/until';
import { startWorld, type World } from '../support/world';
import {
  addLane,
  enrichJob,
  errorOf,
  handleOf,
  type Lane,
  losingAnswers,
  RESULT,
  rowOf,
  untilRun,
  untilStatus,
} from './support';

describe('a call that the provider runs in the background', () => {
  let world: World;
  let lane: Lane;
  /** Gives a running call up soon. */
  let brief: Lane;
  beforeAll(async () => {
    // real time: where time is skipped, a run polls without a pause while a call takes its time
    world = await startWorld({ server: 'dev', recovery: 'background' });
    lane = await addLane(world, 'background');
    brief = await addLane(world, 'brief', { callTimeoutMs: 500, settleMs: 500 });
  });
  afterAll(() => world.stop());
  afterEach(() => world.model.rules());

  const rule = (job_id: string, action: object, route?: 'create' | 'retrieve') =>
    world.model.rules({ match: { job_id, ...(route && { route }) }, do: action });

  /** Submits a job whose response is held, and waits until its id is on record. */
  async function startHeld(jobId: string, { jobs }: Pick<Lane, 'jobs'> = lane): Promise<string> {
    await rule(jobId, { hold: true });
    await jobs.submit(enrichJob(jobId));
    await world.model.waitForHeld(jobId);
    return until(`the id of ${jobId} on record`, async () => {
      const { job } = await world.store.read(jobId);
      return job?.calls[0]?.operation ?? false;
    });
  }

  const isHeld = async (jobId: string) =>
    (await world.model.state()).held.some((call) => call.job_id === jobId);

  /** Waits for a poll that begins after now. */
  async function nextPoll(): Promise<void> {
    const { polls } = await world.model.state();
    await world.model.waitForState((state) => state.polls > polls);
  }

  test('completes with one call, its usage, its model and the id of its response', async () => {
    const record = await lane.jobs.run(enrichJob('plain'));
    const [call] = (await rowOf(world, 'plain')).calls;
    expect(record).toMatchObject({
      status: 'COMPLETED',
      result: RESULT,
      source: 'inference',
      billed: 'yes',
      attempts: 1,
      request_id: call!.operation,
      usage: { cached_tokens: 0, reasoning_tokens: 0 },
    });
    expect(record.usage!.input_tokens).toBeGreaterThan(0);
    expect(record.model).toBeTruthy();
    expect(world.model.billed('plain')).toBe(1);
  });

  test('while the model works the job is IN_PROGRESS, on no lease and in no doubt, and duplicates join it', async () => {
    await startHeld('held');
    const row = await rowOf(world, 'held');
    expect(row).toMatchObject({ status: 'IN_PROGRESS', lease_until: null, doubt: null });
    const waiting = Promise.all([lane.jobs.run(enrichJob('held')), lane.bare.run(enrichJob('held'))]);
    await nextPoll();
    await nextPoll();
    expect(await handleOf(world, 'held').query<JobRecord>('record')).toMatchObject({ status: 'IN_PROGRESS' });
    expect(await rowOf(world, 'held')).toEqual(row);
    await world.model.release('held');
    for (const record of await waiting) expect(record).toMatchObject({ result: RESULT, source: 'inference' });
    expect(world.model.billed('held')).toBe(1);
  });

  test('a provider that can not be asked for a while does not put the job in doubt', async () => {
    await startHeld('unasked');
    await rule('unasked', { status: 503 }, 'retrieve');
    await nextPoll();
    expect(await rowOf(world, 'unasked')).toMatchObject({ status: 'IN_PROGRESS', attempts: 1 });
    await world.model.rules();
    await world.model.release('unasked');
    expect((await lane.jobs.run(enrichJob('unasked'))).result).toEqual(RESULT);
    expect(world.model.billed('unasked')).toBe(1);
  });

  test.each([
    ['truncated', { finish_reason: 'length' }],
    ['refused', { refusal: 'I would rather not.' }],
    ['refused', { finish_reason: 'content_filter' }],
    ['output_invalid', { content: 'no JSON at all' }],
  ])('an answer that is %s was paid for, and a duplicate does not buy it again', async (code, action) => {
    const jobId = `bad-${code}-${Object.keys(action)[0]}`;
    await rule(jobId, action);
    const { record } = await errorOf(lane.jobs.run(enrichJob(jobId)), JobFailedError);
    expect(record).toMatchObject({ status: 'FAILED', error: { code }, billed: 'yes', attempts: 1 });
    await errorOf(lane.jobs.run(enrichJob(jobId)), JobFailedError);
    expect(world.model.billed(jobId)).toBe(1);
  });

  test('a cancel stops the response at the provider, while no activity runs', async () => {
    await startHeld('canceled');
    const record = await lane.jobs.cancel('canceled');
    expect(record).toMatchObject({ status: 'CANCELED', billed: 'unknown', result: null });
    await untilRun(world, 'canceled', 'CANCELLED');
    expect(await isHeld('canceled')).toBe(false);
    await errorOf(lane.jobs.run(enrichJob('canceled')), JobCanceledError);
    expect(world.model.billed('canceled')).toBe(0);
  });

  test('a cancel during a poll stops the response, too', async () => {
    await startHeld('polled');
    await world.model.rules({ match: { job_id: 'polled', route: 'retrieve' }, do: { hold: true } });
    await world.model.waitForState(({ held }) => held.filter((call) => call.job_id === 'polled').length > 1);
    expect(await lane.jobs.cancel('polled')).toMatchObject({ status: 'CANCELED', billed: 'unknown' });
    await world.model.rules();
    await untilRun(world, 'polled', 'CANCELLED');
    const { cancels } = await world.model.state();
    expect(cancels).toBeGreaterThan(0);
    await world.model.release('polled');
    expect(world.model.billed('polled')).toBe(0);
  });

  test('an answer that was there when the cancel came is kept beside the record', async () => {
    const { worker, jobs } = await addLane(world, 'keeping');
    await startHeld('kept', { jobs });
    // nobody polls while the model answers
    await worker.stop();
    await world.model.release('kept');
    await until('the call is billed', () => world.model.billed('kept') === 1);
    await handleOf(world, 'kept').cancel();
    await world.addWorker({ taskQueue: 'keeping' });
    await untilRun(world, 'kept', 'CANCELLED');
    expect(await lane.jobs.get('kept')).toMatchObject({ status: 'CANCELED', billed: 'yes', late_results: 1 });
  });

  test('a response that the provider does not know any more is in doubt, and heals where it knows it again', async () => {
    await startHeld('gone');
    await rule('gone', { status: 404 }, 'retrieve');
    const waiting = lane.jobs.run(enrichJob('gone'));
    waiting.catch(() => undefined);
    await untilStatus(world, 'gone', 'IN_DOUBT');
    const { record } = await errorOf(waiting, JobInDoubtError);
    expect(record!.doubt!.reason).toContain('does not know');
    expect((await rowOf(world, 'gone')).calls).toMatchObject([{ fate: 'open' }]);
    await world.model.rules();
    await world.model.release('gone');
    await untilRun(world, 'gone', 'COMPLETED');
    expect(await lane.jobs.run(enrichJob('gone'))).toMatchObject({ result: RESULT, source: 'recovered' });
    expect(world.model.billed('gone')).toBe(1);
  });

  test('a response that is gone for good is settled by a decision', async () => {
    await startHeld('lost');
    await rule('lost', { status: 404 }, 'retrieve');
    const { record } = await errorOf(lane.jobs.run(enrichJob('lost')), JobInDoubtError);
    await world.model.rules();
    await lane.jobs.resolve('lost', { action: 'rerun', doubt: record!.doubt!.token, by: 'ann' });
    expect(await lane.jobs.run(enrichJob('lost'))).toMatchObject({ result: RESULT, attempts: 2 });
    await world.model.release('lost');
    await until('both calls are billed', () => world.model.billed('lost') === 2);
  });

  test('one that is not final in time is in doubt, is asked on, and completes the job by itself', async () => {
    await startHeld('slow', brief);
    const { record } = await errorOf(brief.jobs.run(enrichJob('slow')), JobInDoubtError);
    expect(record).toMatchObject({ status: 'IN_DOUBT', billed: 'unknown', attempts: 1 });
    expect(record!.doubt!.reason).toContain('not final after 1s');
    await world.model.release('slow');
    await until('the call is billed', () => world.model.billed('slow') === 1);
    // in place of the hour that it may take until the run looks by itself
    await handleOf(world, 'slow').signal('settled');
    await untilRun(world, 'slow', 'COMPLETED');
    expect(await brief.jobs.run(enrichJob('slow'))).toMatchObject({ result: RESULT, source: 'recovered' });
    expect(world.model.billed('slow')).toBe(1);
  });

  test('a connection that breaks before the id came is in doubt: paid for once, and nobody can be asked', async () => {
    await world.model.rules(losingAnswers('no-id'));
    const { record } = await errorOf(lane.jobs.run(enrichJob('no-id')), JobInDoubtError);
    expect(record).toMatchObject({ status: 'IN_DOUBT', billed: 'unknown', attempts: 1 });
    expect((await rowOf(world, 'no-id')).calls[0]).not.toHaveProperty('operation');
    expect(world.model.billed('no-id')).toBe(1);
  });

  test('a 429 releases the claim: nothing was executed, and the next try starts it', async () => {
    await world.model.rules({
      match: { job_id: 'limited' },
      times: 1,
      do: { status: 429, headers: { 'retry-after': '1' } },
    });
    expect(await lane.jobs.run(enrichJob('limited'))).toMatchObject({ result: RESULT, attempts: 2 });
    expect(world.model.billed('limited')).toBe(1);
  });

  test("a response that failed, by the word of a server that isn't OpenAI's, is in doubt", async () => {
    await rule('failed', { fail: 'server_error' });
    const { record } = await errorOf(lane.jobs.run(enrichJob('failed')), JobInDoubtError);
    expect(record!.doubt!.reason).toContain('server_error');
    expect(record!.attempts).toBe(1);
  });

  test('a worker with another recovery goes on with a call that runs already', async () => {
    const moving = await addLane(world, 'moving');
    await startHeld('moved', moving);
    await moving.worker.stop();
    await world.addWorker({ taskQueue: 'moving', recovery: 'none' });
    await world.model.release('moved');
    expect(await moving.jobs.run(enrichJob('moved'))).toMatchObject({ result: RESULT, attempts: 1 });
    expect(world.model.billed('moved')).toBe(1);
  });

  test('forget deletes the stored response', async () => {
    await lane.jobs.run(enrichJob('forgotten'));
    await untilRun(world, 'forgotten', 'COMPLETED');
    const { stored } = await world.model.state();
    const provider = createProvider({
      baseUrl: world.model.baseUrl,
      recovery: 'background',
      callTimeoutMs: 1_000,
    });
    await new JobClient({
      client: world.client,
      store: world.store,
      provider: providerCopies(provider, await loadTasks()),
    }).forget('forgotten');
    expect((await world.model.state()).stored).toBe(stored - 1);
    await provider.close();
  });
});
