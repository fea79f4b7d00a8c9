import { WorkflowNotFoundError } from '@temporalio/client';
import { JobClient, JobForgottenError } from '../../src';
import type { ProviderCopies } from '../../src/client/types';
import { providerCopies } from '../../src/provider/copies';
import { createProvider } from '../../src/provider/openai';
import type { Provider } from '../../src/provider/provider';
import { openStore } from '../../src/store/open';
import { loadTasks } from '../../src/tasks/registry';
import { startCli } from '../cli/support';
import { errorOf } from '../promises/support';
import { type Child, startChild } from '../support/child';
import { endsWithPromisesKept } from '../support/crash-history';
import { type CrashWorld, type Lane, STEADY, startCrashWorld } from '../support/crash-world';
import { INPUT } from '../support/killed-job';
import { AWS_CHILD_ENV } from '../support/moto-server';
import { STORE_SERVERS, type StoreName, type StoreServer } from '../support/store-servers';
import { until } from '../support/until';

const NAMES = Object.keys(STORE_SERVERS) as StoreName[];
const SECRET = 'a title that nobody may keep';
const DAY = 86_400_000;
const TWENTY_MB = 20 * 1024 * 1024;
const PROCESSES = 5;
const TIMES = 10;

/** Whether a history that can't be had is there all the same. */
function isThere(error: unknown): false {
  if (error instanceof WorkflowNotFoundError) return false;
  throw error;
}

const servers = {} as Record<StoreName, StoreServer>;
const submitters: Child[] = [];
let world: CrashWorld;
let provider: Provider;
let copies: ProviderCopies;
beforeAll(async () => {
  await Promise.all(
    NAMES.map(async (name) => {
      servers[name] = await STORE_SERVERS[name]();
    }),
  );
  world = await startCrashWorld({
    makeStore: (name) => servers[name in servers ? (name as StoreName) : 'Redis'].newStore(),
    storeEnv: AWS_CHILD_ENV,
  });
  provider = createProvider({ baseUrl: world.model.baseUrl, recovery: 'stored', callTimeoutMs: 10_000 });
  copies = providerCopies(provider, await loadTasks());
  for (let i = 0; i < PROCESSES; i += 1) {
    submitters.push(startChild(require.resolve('../support/submitter.js'), world.address));
  }
});
afterAll(async () => {
  for (const { process } of submitters) process.kill('SIGKILL');
  await provider.close();
  await world.stop();
  await Promise.all(Object.values(servers).map((server) => server.stop()));
});

const promptJob = (job_id: string, prompt: string) => ({ job_id, task: 'prompt', input: { prompt } });

describe.each(NAMES)('whole jobs on %s', (name) => {
  let lane: Lane;
  beforeAll(async () => {
    lane = await world.openLane(name);
    await lane.startHeir({ env: STEADY });
  });

  const keeps = async (text: string) => (await servers[name].kept(lane.storeUrl)).includes(text);

  const isInHistory = (id: string) =>
    world.client.workflow
      .getHandle(id)
      .describe()
      .then(() => true, isThere);

  test('a job that is forgotten leaves nothing of its prompt and its answer in the store, in history and at the provider, large or small, and its id stays taken', async () => {
    const jobsOfAll = new JobClient({ client: world.client, store: lane.store, provider: copies });
    const stored = (await world.model.state()).stored;
    const jobs = [
      promptJob(`${name}-forgotten-small`, SECRET),
      promptJob(`${name}-forgotten-large`, SECRET.repeat(10_000)),
    ];
    for (const job of jobs) {
      const answer = `the answer to ${job.input.prompt}`;
      await world.setRule(job.job_id, { content: answer });
      expect((await lane.jobs.run(job)).result).toEqual({ text: answer });
    }
    expect(await keeps(SECRET)).toBe(true);
    expect((await world.model.state()).stored).toBe(stored + jobs.length);
    for (const { job_id } of jobs) {
      expect(await jobsOfAll.forget(job_id)).toMatchObject({ status: 'FORGOTTEN', result: null });
      await until(`no history of ${job_id}`, async () => !(await isInHistory(job_id)));
    }
    expect((await world.model.state()).stored).toBe(stored);
    await servers[name].sweep?.();
    expect(await keeps(jobs[0]!.job_id)).toBe(true);
    expect(await keeps(SECRET)).toBe(false);
    for (const job of jobs) {
      await errorOf(lane.jobs.submit(job), JobForgottenError);
      expect(world.model.billed(job.job_id)).toBe(1);
    }
  });

  test('a purge erases a job whose time is over with all its texts, and no other', async () => {
    const [old, young] = [`${name}-old`, `${name}-young`];
    // a purged job is lost by intent, which the history checker does not know
    const jobs = new JobClient({ client: world.client, store: lane.store, taskQueue: name });
    for (const id of [old, young]) {
      await world.setRule(id, { content: `the ${id} answer `.repeat(10_000) });
      await jobs.run(promptJob(id, `the ${id} prompt `.repeat(10_000)));
    }
    await lane.store.update(old, (row, now) => ({
      returns: 0,
      job: { ...row!, updated_at: now - 40 * DAY },
    }));
    const { code, stdout } = await startCli(['purge', '--older-than', '30d', '--json'], {
      env: { INFER_ONCE_STORE_URL: lane.storeUrl },
    }).ended;
    expect({ code, ...JSON.parse(stdout) }).toMatchObject({ code: 0, jobs: 1 });
    expect(await jobs.get(old)).toBeNull();
    expect(await jobs.get(young)).toMatchObject({ status: 'COMPLETED' });
    await servers[name].sweep?.();
    for (const what of ['prompt', 'answer']) {
      expect(await keeps(`the ${old} ${what}`)).toBe(false);
      expect(await keeps(`the ${young} ${what}`)).toBe(true);
    }
    expect(world.model.billed(old)).toBe(1);
  });

  test('a prompt of 20 MB reaches the model whole, its answer of 20 MB the caller, and every later caller without a call', async () => {
    const prompt = 'x'.repeat(TWENTY_MB - JSON.stringify({ prompt: '' }).length);
    const text = 'y'.repeat(TWENTY_MB - JSON.stringify({ text: '' }).length);
    const job = promptJob(`${name}-most`, prompt);
    await world.setRule(job.job_id, { content: text });
    const record = await lane.jobs.run(job);
    // compared by hand: a difference of 20 MB is not to be printed
    expect((record.result as { text: string }).text === text).toBe(true);
    // the offline model counts a token for four characters
    expect(record.usage!.input_tokens).toBeGreaterThanOrEqual(Math.floor(prompt.length / 4));
    // another process, later
    const store = await openStore(lane.storeUrl);
    const later = await new JobClient({ client: world.client, store, taskQueue: name }).run(job);
    await store.close();
    expect(later.replayed && (later.result as { text: string }).text === text).toBe(true);
    expect(world.model.billed(job.job_id)).toBe(1);
  });

  test(`${PROCESSES * TIMES} who submit a job at once, from ${PROCESSES} processes, cost one call and are all told its answer`, async () => {
    await Promise.all(submitters.map((child) => child.said(1)));
    for (let round = 0; round < 2; round += 1) {
      const job = { job_id: `${name}-raced-${round}`, task: 'enrich', input: INPUT };
      const order = { storeUrl: lane.storeUrl, taskQueue: name, job, times: TIMES };
      const before = submitters.map(({ lines }) => lines.length);
      for (const child of submitters) child.tell(JSON.stringify(order));
      await Promise.all(submitters.map((child, i) => child.said(before[i]! + TIMES)));
      const answers = submitters.flatMap(({ lines }, i) =>
        lines.slice(before[i]).map((line) => JSON.parse(line)),
      );
      expect(answers).toHaveLength(PROCESSES * TIMES);
      const { result, token } = (await lane.jobs.get(job.job_id))!;
      expect(answers.filter((answer) => answer.created)).toHaveLength(1);
      for (const answer of answers) expect(answer).toMatchObject({ result, token });
      expect(world.model.billed(job.job_id)).toBe(1);
    }
  });
});

endsWithPromisesKept(() => world);
