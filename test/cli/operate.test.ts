import { inputDigest } from '../../src/digest';
import { submit } from '../../src/once/rules/submit';
import { openStore } from '../../src/store/open';
import { CliHarness, film, records, SOON_IN_DOUBT } from './support';

const harness = new CliHarness();
beforeAll(() => harness.start(SOON_IN_DOUBT));
afterAll(() => harness.stop());
afterEach(() => harness.calm());

/** Jobs in doubt: their answers were paid for and lost. */
async function loseAnswers(...ids: string[]): Promise<void> {
  await harness.offline.rules({ do: { reset: 'after_billing' } });
  const ends = await Promise.all(ids.map((id) => harness.cli(['run', ...film(id, 'x')])));
  expect(ends.map(({ code }) => code)).toEqual(ids.map(() => 5));
  await harness.offline.rules();
}

test('list shows what waits for a decision, with the doubt that resolve fills in', async () => {
  await loseAnswers('seen');
  const listed = await harness.cli(['list', '--status', 'in_doubt', '--task', 'enrich', '--limit', '10']);
  const [record] = records(listed.stdout) as [{ job_id: string; doubt: { token: number } }];
  expect(record).toMatchObject({ job_id: 'seen', status: 'IN_DOUBT', doubt: { recovering: false } });

  const stale = await harness.cli(['resolve', 'seen', '--rerun', '--doubt', '1']);
  expect(stale.code).toBe(2);
  expect(stale.stderr).toContain('doubt 1 is not the present one');
  const { token } = record.doubt;
  const decided = await harness.cli(['resolve', 'seen', '--rerun', '--by', 'ada']);
  expect(decided.code).toBe(0);
  expect(records(decided.stdout)).toMatchObject([
    { decisions: [{ action: 'rerun', doubt: token, by: 'ada' }] },
  ]);
  expect((await harness.cli(['status', 'seen', '--wait'])).code).toBe(0);
  expect(harness.offline.billed('seen')).toBe(2);
});

test('an answer that is known from elsewhere can be adopted, if it fits the task', async () => {
  await loseAnswers('adopted');
  harness.write('wrong.json', [{ title: 'x' }]);
  harness.write('right.json', [{ normalized_title: 'X', category: 'Other' }]);
  const wrong = await harness.cli(['resolve', 'adopted', '--adopt', 'wrong.json']);
  expect(wrong.code).toBe(2);
  const right = await harness.cli(['resolve', 'adopted', '--adopt', 'right.json']);
  expect(right.code).toBe(0);
  expect(records(right.stdout)).toMatchObject([{ status: 'COMPLETED', source: 'adopted' }]);
  expect((await harness.cli(['resolve', 'adopted', '--abandon'])).code).toBe(2);
});

test('resolve --all shows what it would do and does it only with --yes', async () => {
  await loseAnswers('all-1', 'all-2');
  const dry = await harness.cli(['resolve', '--all', '--abandon', '--task', 'enrich']);
  expect(dry.code).toBe(0);
  expect(records(dry.stdout).map(({ job_id }) => job_id)).toEqual(expect.arrayContaining(['all-1', 'all-2']));
  expect(dry.stderr).toContain('abandon would be decided for 2 jobs; nothing was done. Add --yes to do it.');
  expect((await harness.cli(['status', 'all-1'])).code).toBe(5);

  const young = await harness.cli(['resolve', '--all', '--abandon', '--older-than', '1h', '--yes']);
  expect(young).toMatchObject({ code: 0, stdout: '' });
  expect((await harness.cli(['status', 'all-1'])).code).toBe(5);

  const done = await harness.cli(['resolve', '--all', '--abandon', '--yes', '--by', 'ada']);
  expect(done.code).toBe(0);
  expect(records(done.stdout).map(({ status }) => status)).toEqual(['FAILED', 'FAILED']);
  expect((await harness.cli(['status', 'all-2'])).code).toBe(1);
});

test('cancel, retry and forget do as named, and tell what stands', async () => {
  await harness.offline.rules({ do: { hold: true } });
  expect(await harness.cli(['submit', ...film('life', 'alien')])).toMatchObject({ code: 0, stderr: '' });
  await harness.offline.waitForHeld('life');
  expect((await harness.cli(['forget', 'life'])).code).toBe(2);
  const canceled = await harness.cli(['cancel', 'life']);
  expect(canceled.code).toBe(0);
  expect(records(canceled.stdout)).toMatchObject([{ status: 'CANCELED', billed: 'unknown' }]);
  expect((await harness.cli(['run', ...film('life', 'alien')])).code).toBe(1);

  await harness.offline.rules();
  const retried = await harness.cli(['retry', 'life', '--wait']);
  expect(retried.code).toBe(0);
  expect(records(retried.stdout)).toMatchObject([{ status: 'COMPLETED' }]);
  const completed = await harness.cli(['cancel', 'life']);
  expect(completed).toMatchObject({ code: 0 });
  expect(completed.stderr).toContain('had completed; its result stands');

  expect((await harness.cli(['forget', 'life'])).code).toBe(0);
  for (const args of [
    ['run', ...film('life', 'alien')],
    ['status', 'life'],
    ['retry', 'life'],
  ]) {
    expect((await harness.cli(args)).code).toBe(7);
  }
});

test('forget refuses where it could not delete what the provider stored', async () => {
  await harness.cli(['run', ...film('private', 'alien')]);
  const env = {
    TEMPORAL_ADDRESS: harness.stack.temporalAddress,
    INFER_ONCE_STORE_URL: harness.stack.storeUrl,
  };
  const elsewhere = { cwd: '/', env };
  const refused = await harness.cli(['forget', 'private'], elsewhere);
  expect(refused.code).toBe(2);
  expect(refused.stderr).toContain('OPENAI_API_KEY');
  expect((await harness.cli(['forget', 'private', '--keep-provider-copies'], elsewhere)).code).toBe(0);
});

test('stats counts jobs, attempts and tokens by task, day and status', async () => {
  await harness.cli(['run', 'prompt', '--id', 'counted', '--input', '{"prompt": "Hello"}']);
  const { code, stdout } = await harness.cli(['stats']);
  expect(code).toBe(0);
  const row = records(stdout).find(({ task }) => task === 'prompt');
  expect(row).toMatchObject({ status: 'COMPLETED', jobs: 1, attempts: 1 });
  expect(row!.input_tokens).toBeGreaterThan(0);
});

test('stats sums the cost by task and day; of a model without a known price it is null', async () => {
  const input = JSON.stringify({ model: 'a-model-of-ours', messages: [{ role: 'user', content: 'Hello' }] });
  await harness.cli(['run', 'chat.completions', '--id', 'unpriced', '--input', input]);
  expect(harness.offline.billed('unpriced')).toBe(1);
  const priced = await harness.cli(['run', ...film('priced', 'heat')]);
  const rows = records((await harness.cli(['stats', '--json'])).stdout);
  const ofTask = (task: string) => rows.filter((row) => row.task === task && row.status === 'COMPLETED');
  expect(ofTask('chat.completions')).toMatchObject([{ jobs: 1, cost_usd: null }]);
  expect(priced.code).toBe(0);
  const all = records((await harness.cli(['list', '--json', '--limit', '100'])).stdout);
  const costs = all.filter(({ task, status }) => task === 'enrich' && status === 'COMPLETED');
  const sum = costs.reduce((total, { cost_usd }) => total + ((cost_usd as number | null) ?? 0), 0);
  expect(sum).toBeGreaterThan(0);
  const told = ofTask('enrich').reduce((total, { cost_usd }) => total + (cost_usd as number), 0);
  expect(told).toBeCloseTo(sum, 12);
});

test('a page ends with the cursor of the next one, which goes on where it ended', async () => {
  await harness.cli(['run', ...film('page-1', 'alien')]);
  await harness.cli(['run', ...film('page-2', 'alien')]);
  const first = await harness.cli(['list', '--limit', '1']);
  expect(records(first.stdout)).toMatchObject([{ job_id: 'page-2' }]);
  const cursor = /--cursor (\S+)/.exec(first.stderr)![1]!;
  const second = await harness.cli(['list', '--limit', '1', '--cursor', cursor]);
  expect(records(second.stdout)).toMatchObject([{ job_id: 'page-1' }]);
});

test('doctor finds every part, setup has nothing to do, and both cost nothing', async () => {
  const before = harness.offline.billed();
  const doctor = await harness.cli(['doctor']);
  expect(doctor.code).toBe(0);
  const lines = doctor.stdout.trim().split('\n');
  expect(lines.map((line) => line.split(':')[0])).toEqual(
    ['temporal', 'search attributes', 'worker', 'store', 'tasks', 'provider'].map((part) => `ok  ${part}`),
  );
  expect(await harness.cli(['doctor', '--quiet'])).toEqual({ code: 0, stdout: '', stderr: '' });
  const setup = await harness.cli(['setup']);
  expect(setup.code).toBe(0);
  expect(setup.stdout).toContain('search attributes: all are there');
  expect(harness.offline.billed()).toBe(before);
});

test('doctor names a part that is away or misconfigured, with the remedy', async () => {
  const env = { TEMPORAL_ADDRESS: '127.0.0.1:1', OPENAI_BASE_URL: harness.offline.baseUrl };
  const away = await harness.cli(['doctor', '--quiet'], { env });
  expect(away.code).toBe(6);
  expect(away.stdout).toMatch(/^!! {2}temporal: Temporal does not answer at 127\.0\.0\.1:1; [^\n]+\n$/);

  const idle = await harness.cli(['doctor', '--quiet'], { env: { INFER_ONCE_TASK_QUEUE: 'nobody' } });
  expect(idle.code).toBe(6);
  expect(idle.stdout).toMatch(/^!! {2}worker: none polls the task queue nobody; [^\n]+\n$/);

  const wrong = await harness.cli(['doctor', '--quiet'], {
    env: { INFER_ONCE_TASKS: './none.ts', INFER_ONCE_STORE_URL: 'sqlite:none.db' },
  });
  expect(wrong.code).toBe(2);
  expect(wrong.stdout).toContain('!!  tasks: The tasks module ./none.ts');
  expect(wrong.stdout).toContain('!!  store: none.db is not there');
});

test('doctor --repair starts a job whose submitter died before its start, and leaves a young one alone', async () => {
  const store = await openStore(harness.stack.storeUrl);
  const orphan = async (key: string, ageMs: number) => {
    const input = { title: 'alien (1979)' };
    const input_digest = inputDigest(key, 'enrich', input);
    const input_json = JSON.stringify(input);
    const seed = { key, task: 'enrich', task_version: null, input_digest, input_json };
    await store.update(key, (job, now) => submit(seed)(job, now - ageMs));
  };
  await orphan('orphan', 120_000);
  await orphan('young', 0);
  await store.close();

  const repaired = await harness.cli(['doctor', '--repair']);
  expect(repaired.code).toBe(0);
  expect(repaired.stdout).toContain('ok  repaired: orphan, PENDING without a run, was started\n');
  expect(repaired.stdout).toContain('ok  repair: 1 orphan started\n');
  expect((await harness.cli(['status', 'orphan', '--wait'])).code).toBe(0);
  expect(records((await harness.cli(['status', 'young'])).stdout)).toMatchObject([{ status: 'PENDING' }]);
});
