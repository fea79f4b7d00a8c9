import { JobClient, JobForgottenError, JobNotFoundError, WrongStateError } from '../../src';
import { providerCopies } from '../../src/provider/copies';
import { createProvider } from '../../src/provider/openai';
import type { ResultStore } from '../../src/store/store';
import { loadTasks } from '../../src/tasks/registry';
import { until } from '../support/until';
import { startWorld, type World } from '../support/world';
import {
  addLane,
  enrichJob,
  errorOf,
  handleOf,
  type Lane,
  putOnHold,
  rowOf,
  runStatus,
  startBare,
  untilRun,
} from './support';

const SECRET = 'a title that nobody may keep';

// on the dev server: the time-skipping one can't delete a history
describe('forget erases a job and keeps its id taken', () => {
  let world: World;
  let none: Lane;
  let jobs: JobClient;
  const closes: (() => Promise<void>)[] = [];
  beforeAll(async () => {
    world = await startWorld({ server: 'dev' });
    await world.addWorker();
    none = await addLane(world, 'none', { recovery: 'none' });
    const provider = createProvider({
      baseUrl: world.model.baseUrl,
      recovery: 'stored',
      callTimeoutMs: 10_000,
    });
    closes.push(() => provider.close());
    jobs = new JobClient({
      client: world.client,
      store: world.store,
      provider: providerCopies(provider, await loadTasks()),
    });
  });
  afterAll(async () => {
    for (const close of closes) await close();
    await world.stop();
  });
  afterEach(() => world.model.rules());

  test('a run that stays open is not waited for without end, and nothing is erased', async () => {
    await world.model.rules({ match: { job_id: 'reopened' }, do: { status: 400 } });
    const job = enrichJob('reopened');
    await jobs.submit(job);
    await untilRun(world, 'reopened', 'FAILED');
    // nobody works there: the run that opens it again claims nothing
    const idle = new JobClient({ client: world.client, store: world.store, taskQueue: 'nobody' });
    expect(await idle.submit(job)).toMatchObject({ status: 'FAILED', created: true });
    const before = await rowOf(world, 'reopened');
    const error = await errorOf(jobs.forget('reopened', { timeoutMs: 200 }), WrongStateError);
    expect(error.message).toContain('a run of it is open and does not close, so nothing was erased');
    expect(await rowOf(world, 'reopened')).toEqual(before);
    await handleOf(world, 'reopened').terminate();
    expect(await jobs.forget('reopened')).toMatchObject({ status: 'FORGOTTEN' });
  });

  const untilHistoryGone = (jobId: string) =>
    until(`no history of ${jobId}`, async () => (await runStatus(world, jobId)) === null, 90_000);

  test('a submission that begins after it was acknowledged is told so, also beside one that looked before', async () => {
    await jobs.run(enrichJob('raced', { title: SECRET }));
    const gate = { hasLooked: false, open: () => {} };
    const opened = new Promise<void>((done) => {
      gate.open = done;
    });
    // a store whose answers are long on their way
    const slow: ResultStore = Object.create(world.store, {
      update: {
        async value(...asked: Parameters<ResultStore['update']>) {
          const answer = await world.store.update(...asked);
          gate.hasLooked = true;
          await opened;
          return answer;
        },
      },
    });
    const far = new JobClient({ client: world.client, store: slow });
    const before = far.submit(enrichJob('raced', { title: SECRET }));
    await until('it has looked', async () => gate.hasLooked);
    await jobs.forget('raced');
    const after = errorOf(far.submit(enrichJob('raced', { title: SECRET })), JobForgottenError);
    gate.open();
    await after;
    expect(await before).toMatchObject({ replayed: true });
  });

  test('input, result, history and what the provider stored are gone; a tombstone stays', async () => {
    const job = enrichJob('done', { title: SECRET });
    const stored = (await world.model.state()).stored;
    await jobs.run(job);
    await untilRun(world, 'done', 'COMPLETED');
    expect((await world.model.state()).stored).toBe(stored + 1);
    const { token } = await rowOf(world, 'done');

    expect(await jobs.forget('done')).toMatchObject({ status: 'FORGOTTEN', result: null });
    const row = await rowOf(world, 'done');
    expect(row).toMatchObject({ status: 'FORGOTTEN', input: null, result: null, calls: [] });
    expect(row.token).toBeGreaterThan(token);
    expect(JSON.stringify(row).toLowerCase()).not.toContain(SECRET);
    expect((await world.model.state()).stored).toBe(stored);

    const error = await errorOf(jobs.submit(job), JobForgottenError);
    expect(error).toMatchObject({ code: 'forgotten', record: { status: 'FORGOTTEN' } });
    await errorOf(jobs.run(enrichJob('done', { title: 'another' })), JobForgottenError);
    await errorOf(jobs.retry('done'), JobForgottenError);
    expect(world.model.billed('done')).toBe(1);
  });

  test('a large input and a large result leave no blob behind', async () => {
    const prompt = SECRET.repeat(10_000);
    await world.model.rules({ match: { job_id: 'large' }, do: { content: prompt } });
    await jobs.run({ job_id: 'large', task: 'prompt', input: { prompt } });
    const { input, result } = await rowOf(world, 'large');
    const names = [input, result].map((payload) => (payload && 'blob' in payload ? payload.blob : ''));
    for (const name of names) expect(await world.store.readBlob('large', name)).toContain(SECRET);
    await jobs.forget('large');
    for (const name of names) expect(await world.store.readBlob('large', name)).toBeNull();
  });

  test('a late writer does not bring it back', async () => {
    const events: string[] = [];
    const note = (_: object, event: string) => void events.push(event);
    const logged = await addLane(world, 'logged', {}, { log: { info: note, warn: note, error: note } });
    await world.model.rules({ match: { job_id: 'late' }, do: { hold: true } });
    await logged.jobs.submit(enrichJob('late'));
    await world.model.waitForHeld('late');
    await handleOf(world, 'late').terminate('by an operator');
    await jobs.cancel('late');
    await jobs.forget('late');
    const before = await rowOf(world, 'late');
    await world.model.release('late');
    await until('the late answer was brought to the store', () => events.includes('late'));
    expect(await rowOf(world, 'late')).toEqual(before);
    expect(await jobs.get('late')).toMatchObject({ status: 'FORGOTTEN', result: null });
    expect(world.model.billed('late')).toBe(1);
  });

  test('a job that is not settled is refused: cancel it first', async () => {
    await world.model.rules({ match: { job_id: 'running' }, do: { hold: true } });
    await jobs.submit(enrichJob('running'));
    await world.model.waitForHeld('running');
    expect((await errorOf(jobs.forget('running'), WrongStateError)).message).toContain('cancel');
    await world.model.release('running');
    await jobs.run(enrichJob('running'));

    await putOnHold(world, none, 'doubted');
    const before = await rowOf(world, 'doubted');
    await errorOf(none.jobs.forget('doubted'), WrongStateError);
    expect(await rowOf(world, 'doubted')).toEqual(before);
    await none.jobs.cancel('doubted');
    expect(await none.jobs.forget('doubted')).toMatchObject({ status: 'FORGOTTEN' });
    await errorOf(jobs.forget('never-there'), JobNotFoundError);
  });

  test('Temporal deletes every history; whoever starts it again is told, and that run goes too', async () => {
    await jobs.run(enrichJob('bare'));
    await jobs.forget('bare');
    for (const jobId of ['done', 'large', 'late', 'doubted', 'bare']) await untilHistoryGone(jobId);
    await errorOf(world.bare.run(enrichJob('bare')), JobForgottenError);
    await untilHistoryGone('bare');
    const { task, input } = enrichJob('bare');
    const run = await startBare(world, 'bare', { task, input });
    await expect(run.result()).rejects.toMatchObject({ cause: { type: 'forgotten' } });
    // nobody of ours waited for that run: its worker erases it
    await untilHistoryGone('bare');
    expect([world.model.billed('done'), world.model.billed('bare')]).toEqual([1, 1]);
  }, 180_000);
});
