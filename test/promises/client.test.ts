import { Client, Connection } from '@temporalio/client';
import {
  enrich,
  InputMismatchError,
  InvalidInputError,
  InvalidJobIdError,
  JobClient,
  JobFailedError,
  JobNotFoundError,
  JobTimeoutError,
} from '../../src';
import { startWorld, type World } from '../support/world';
import { enrichJob, errorOf, handleOf, INPUT, RESULT, runStatus, untilRun } from './support';

describe('JobClient', () => {
  let world: World;
  beforeAll(async () => {
    world = await startWorld();
    await world.addWorker();
  });
  afterAll(() => world.stop());
  afterEach(() => world.model.rules());

  const holdCall = async (jobId: string) => {
    await world.model.rules({ match: { job_id: jobId }, do: { hold: true } });
    await world.jobs.submit(enrichJob(jobId));
    await world.model.waitForHeld(jobId);
  };

  test.each(['jobs', 'bare'] as const)(
    'a wait that runs out of time says so with the record, and the job goes on (%s)',
    async (kind) => {
      const jobId = `slow-${kind}`;
      await holdCall(jobId);
      const error = await errorOf(world[kind].run(enrichJob(jobId), { timeoutMs: 10 }), JobTimeoutError);
      expect(error).toMatchObject({ jobId, code: 'not_done_in_time', record: { job_id: jobId } });
      expect(['PENDING', 'IN_PROGRESS']).toContain(error.record!.status);
      await errorOf(world[kind].wait(jobId, { timeoutMs: 10 }), JobTimeoutError);
      await world.model.release(jobId);
      expect((await world[kind].run(enrichJob(jobId))).result).toEqual(RESULT);
      expect(world.model.billed(jobId)).toBe(1);
    },
  );

  test('who begins a job and waits for it pays for reading its input once', async () => {
    let reads = 0;
    const toJSON = () => {
      reads += 1;
      return INPUT;
    };
    const { submitted, answer } = await world.jobs.begin({ ...enrichJob('begun'), input: { toJSON } });
    expect(submitted).toMatchObject({ created: true, replayed: false });
    const read = reads;
    const settled = await answer();
    expect(settled).toMatchObject({ status: 'COMPLETED', result: RESULT, created: true, replayed: false });
    expect(read).toBeGreaterThan(0);
    expect(reads).toBe(read);
    const again = await world.jobs.begin(enrichJob('begun'));
    expect(again.submitted).toMatchObject({ created: false, replayed: true });
    expect(await again.answer()).toEqual(again.submitted);
  });

  test('a wait that has ended leaves no poll behind: its connection can be closed while the job goes on', async () => {
    await holdCall('closed');
    const connection = await Connection.connect({ address: world.address });
    const jobs = new JobClient({ client: new Client({ connection }) });
    await errorOf(jobs.wait('closed', { timeoutMs: 10 }), JobTimeoutError);
    // a poll left behind would crash this process from a timer
    await connection.close();
    await world.model.release('closed');
    expect((await world.jobs.run(enrichJob('closed'))).result).toEqual(RESULT);
  });

  test('a caller that gives up by its AbortSignal gets its own reason; others go on waiting, and so does the job', async () => {
    await holdCall('aborted');
    const caller = new AbortController();
    const leaves = world.jobs.wait('aborted', { signal: caller.signal });
    const stays = world.jobs.wait('aborted');
    caller.abort(new Error('the user closed the tab'));
    await expect(leaves).rejects.toThrow('the user closed the tab');
    await expect(world.jobs.wait('aborted', { signal: caller.signal })).rejects.toThrow('closed the tab');
    await world.model.release('aborted');
    expect((await stays).result).toEqual(RESULT);
    expect(world.model.billed('aborted')).toBe(1);
  });

  test('1,000 joins of a running job start no second workflow and pay for no second call', async () => {
    await holdCall('crowd');
    const { runId } = await handleOf(world, 'crowd').describe();
    const joins = Array.from({ length: 1_000 }, () => world.jobs.run(enrichJob('crowd')));
    const answers = Promise.all(joins);
    await Promise.all(Array.from({ length: 10 }, () => world.bare.submit(enrichJob('crowd'))));
    await world.model.release('crowd');
    for (const { result } of await answers) expect(result).toEqual(RESULT);
    await untilRun(world, 'crowd', 'COMPLETED');
    expect((await handleOf(world, 'crowd').describe()).runId).toBe(runId);
    expect(world.model.billed('crowd')).toBe(1);
  });

  test("submitMany yields each job's answer or its own error, and no error stops another job", async () => {
    await world.jobs.run(enrichJob('many-0'));
    await world.model.rules({ match: { job_id: 'many-4' }, do: { finish_reason: 'length' } });
    const jobs = [
      enrichJob('many-0', { title: 'another' }),
      enrichJob('not a job id'),
      enrichJob('many-2', { title: 2 ** 60 }),
      enrichJob('many-3'),
      enrichJob('many-4'),
      enrichJob('many-3'),
    ];
    const answers = [];
    for await (const answer of world.jobs.submitMany(jobs, { concurrency: 3, wait: {} }))
      answers.push(answer);
    answers.sort((a, b) => a.index - b.index);
    expect(answers.map(({ job_id, index }) => [job_id, index])).toEqual(
      jobs.map(({ job_id }, n) => [job_id, n]),
    );
    const errors = answers.map(({ error }) => error?.constructor);
    expect(errors).toEqual([
      InputMismatchError,
      InvalidJobIdError,
      InvalidInputError,
      undefined,
      JobFailedError,
      undefined,
    ]);
    expect(answers[3]!.answer).toMatchObject({ status: 'COMPLETED', result: RESULT });
    expect(answers[5]!.answer).toMatchObject({ status: 'COMPLETED', result: RESULT });
    expect([0, 2, 3, 4].map((n) => world.model.billed(`many-${n}`))).toEqual([1, 0, 1, 1]);
  });

  test('submitMany reads its input no faster than it works', async () => {
    let read = 0;
    async function* endless() {
      for (;;) yield enrichJob(`endless-${read++}`);
    }
    const answers = world.jobs.submitMany(endless(), { concurrency: 2 });
    for (let n = 0; n < 4; n += 1) await answers.next();
    await answers.return(undefined);
    expect(read).toBeLessThanOrEqual(7);
  });

  test('a task given as such types its input and its result', async () => {
    const { result } = await world.jobs.run({ job_id: 'typed', task: enrich, input: INPUT });
    const title: string = result.normalized_title;
    expect(title).toBe(RESULT.normalized_title);
    // @ts-expect-error the result has no such field
    expect(result.titel).toBeUndefined();
    const wrong = () =>
      // @ts-expect-error the input needs a title
      world.jobs.run({ job_id: 'typed-wrong', task: enrich, input: { titel: 'x' } });
    await errorOf(wrong(), JobFailedError);
  });

  test("a tenant's jobs live under tenant/job_id, and no other tenant sees them", async () => {
    const { client, store } = world;
    const [acme, umbrella] = ['acme', 'umbrella'].map((tenant) => new JobClient({ client, store, tenant }));
    const bareAcme = new JobClient({ client, tenant: 'acme' });
    expect((await acme!.run(enrichJob('film'))).job_id).toBe('film');
    expect(await runStatus(world, 'acme/film')).not.toBeNull();
    expect(await runStatus(world, 'film')).toBeNull();
    expect(await umbrella!.get('film')).toBeNull();
    expect(await world.jobs.get('film')).toBeNull();
    expect((await umbrella!.list()).records).toEqual([]);
    expect((await acme!.list()).records.map(({ job_id }) => job_id)).toEqual(['film']);
    expect((await world.jobs.list()).records.map(({ job_id }) => job_id)).not.toContain('film');
    await errorOf(umbrella!.cancel('film'), JobNotFoundError);
    await errorOf(umbrella!.retry('film'), JobNotFoundError);
    for (const jobs of [umbrella!, acme!, world.jobs]) {
      await errorOf(jobs.get('acme/film'), InvalidJobIdError);
    }
    // the same id is another job for another tenant
    expect((await umbrella!.run(enrichJob('film', { title: 'other' }))).result).not.toEqual(RESULT);
    expect((await bareAcme.run(enrichJob('film'))).result).toEqual(RESULT);
    expect([world.model.billed('acme/film'), world.model.billed('umbrella/film')]).toEqual([1, 1]);
  });

  test('an id that breaks the grammar is refused in a sentence, and nothing is started', async () => {
    for (const jobId of ['', 'a b', '-a', 'x'.repeat(256), '../etc', 'ä']) {
      const error = await errorOf(world.jobs.submit(enrichJob(jobId)), InvalidJobIdError);
      expect(error.message).toContain("can't be used");
    }
    await errorOf(world.jobs.wait('never-submitted'), JobNotFoundError);
    await errorOf(world.bare.wait('never-submitted'), JobNotFoundError);
    expect(await world.jobs.get('never-submitted')).toBeNull();
    expect(await world.bare.get('never-submitted')).toBeNull();
  });
});
