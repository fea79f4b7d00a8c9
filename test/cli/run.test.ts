import { CliHarness, film, records, SOON_IN_DOUBT } from './support';

const harness = new CliHarness();
beforeAll(() => harness.start(SOON_IN_DOUBT));
afterAll(() => harness.stop());
afterEach(() => harness.calm());

const RESULT = { normalized_title: 'Alien (1979)', category: 'Science Fiction' };

test('run prints the result alone in a pipe, the record with --json, and a second run calls nothing', async () => {
  const first = await harness.cli(['run', ...film('ok', 'alien (1979)')]);
  expect(first).toMatchObject({ code: 0, stderr: '' });
  expect(records(first.stdout)).toEqual([RESULT]);

  const second = await harness.cli(['run', ...film('ok', 'alien (1979)'), '--json']);
  expect(second.code).toBe(0);
  expect(records(second.stdout)).toEqual([
    expect.objectContaining({
      job_id: 'ok',
      status: 'COMPLETED',
      result: RESULT,
      billed: 'yes',
      replayed: true,
    }),
  ]);
  expect(harness.offline.billed('ok')).toBe(1);
});

test('the input may come from a file or from stdin', async () => {
  harness.write('film.json', [{ title: 'alien (1979)' }]);
  const fromFile = await harness.cli(['run', 'enrich', '--id', 'file', '--input', '@film.json']);
  expect(records(fromFile.stdout)).toEqual([RESULT]);
  const stdin = '\ufeff{"title": "alien (1979)"}';
  const fromStdin = await harness.cli(['run', 'enrich', '--id', 'stdin', '--input', '-'], { stdin });
  expect(records(fromStdin.stdout)).toEqual([RESULT]);
});

test('a failed job ends with 1 and its reason on stderr, an input that the task refuses with 2', async () => {
  await harness.offline.rules({ do: { status: 400 } });
  const failed = await harness.cli(['run', ...film('rejected', 'x')]);
  expect(failed).toMatchObject({ code: 1, stdout: '' });
  expect(failed.stderr).toMatch(/^infer-once: Job rejected failed \(provider_rejected\): [^\n]+\n$/);

  const refused = await harness.cli([
    'run',
    'enrich',
    '--id',
    'refused',
    '--input',
    '{"tittle": "x"}',
    '--json',
  ]);
  expect(refused.code).toBe(2);
  expect(refused.stderr).toContain(
    'infer-once: Job refused failed (invalid_input): it does not fit task enrich at title',
  );
  expect(records(refused.stdout)).toMatchObject([{ job_id: 'refused', status: 'FAILED', billed: 'no' }]);
});

test('whoever waits for a job is told why it does not get on: a refused key looks like no slow model', async () => {
  await harness.offline.rules({ match: { job_id: 'locked-out' }, do: { status: 401 } });
  const waiting = harness.begin(['run', ...film('locked-out', 'x')]);
  const told = await waiting.line('stderr', 'infer-once: Job locked-out waits: ');
  expect(told).toContain('does not accept the API key');
  waiting.process.kill('SIGINT');
  expect((await waiting.ended).code).toBe(130);
  const [listed] = records((await harness.cli(['list', '--json', '--status', 'PENDING'])).stdout);
  expect(listed).toMatchObject({ job_id: 'locked-out', refusal: { reason: 'unauthorized' } });
  await harness.offline.rules();
  expect((await harness.cli(['cancel', 'locked-out'])).code).toBe(0);
});

test('a job that is not done in time ends with 3 and goes on; Ctrl-C stops the waiting only', async () => {
  await harness.offline.rules({ match: { contains: 'slow' }, do: { hold: true } });
  const late = await harness.cli(['run', ...film('slow', 'slow'), '--timeout', '1s']);
  expect(late).toMatchObject({ code: 3, stdout: '' });
  expect(late.stderr).toContain('Job slow was not done within 1s; it goes on');

  await harness.offline.waitForHeld('slow');
  expect((await harness.cli(['status', 'slow'])).code).toBe(3);
  // its first sign of life that can be seen from outside is that it waits for the same call
  const waiting = harness.begin(['status', 'slow', '--wait']);
  const interrupted = harness.begin(['run', ...film('held', 'slow')]);
  await harness.offline.waitForHeld('held');
  interrupted.process.kill('SIGINT');
  expect(await interrupted.ended).toMatchObject({
    code: 130,
    stderr: 'infer-once: Stopped waiting; job held goes on: infer-once status held shows it.\n',
  });

  await harness.offline.release();
  expect((await waiting.ended).code).toBe(0);
  expect((await harness.cli(['run', ...film('held', 'slow')])).code).toBe(0);
  expect(harness.offline.billed('held')).toBe(1);
});

test('the same id with another input ends with 4, by every way to submit', async () => {
  await harness.cli(['run', ...film('taken', 'alien')]);
  for (const command of ['run', 'submit']) {
    const other = await harness.cli([command, ...film('taken', 'aliens')]);
    expect(other).toMatchObject({ code: 4, stdout: '' });
    expect(other.stderr).toContain('infer-once: Job taken exists with another task or input');
  }
});

test('a job in doubt ends with 5 and the sentence says how to settle it', async () => {
  await harness.offline.rules({ do: { reset: 'after_billing' } });
  const inDoubt = await harness.cli(['run', ...film('doubt', 'x')]);
  expect(inDoubt).toMatchObject({ code: 5, stdout: '' });
  expect(inDoubt.stderr).toContain('infer-once resolve doubt --rerun | --adopt FILE | --abandon');
  expect((await harness.cli(['status', 'doubt'])).code).toBe(5);
  expect((await harness.cli(['retry', 'doubt'])).code).toBe(5);
});

test('submit answers at once, and tells how it met the job', async () => {
  const first = await harness.cli(['submit', ...film('queued', 'alien')]);
  expect(first.code).toBe(0);
  expect(records(first.stdout)).toMatchObject([{ job_id: 'queued', status: 'PENDING', created: true }]);
  const waited = await harness.cli(['status', 'queued', '--wait']);
  expect(records(waited.stdout)).toMatchObject([{ status: 'COMPLETED' }]);
  const again = await harness.cli(['submit', ...film('queued', 'alien')]);
  expect(records(again.stdout)).toMatchObject([{ status: 'COMPLETED', created: false, replayed: true }]);
});

test('what is on record is told while Temporal is away; what needs it ends with 6', async () => {
  await harness.cli(['run', ...film('kept', 'alien (1979)')]);
  const env = { TEMPORAL_ADDRESS: '127.0.0.1:1', INFER_ONCE_STORE_URL: harness.stack.storeUrl };
  const kept = await harness.cli(['run', ...film('kept', 'alien (1979)')], { env });
  expect(kept).toMatchObject({ code: 0, stdout: `${JSON.stringify(RESULT)}\n` });
  const fresh = await harness.cli(['run', ...film('fresh', 'alien')], { env });
  expect(fresh.code).toBe(6);
  expect(fresh.stderr).toMatch(/^infer-once: Temporal does not answer at 127\.0\.0\.1:1; [^\n]+\n$/);
});

test('without a store, Temporal alone answers', async () => {
  const env = { TEMPORAL_ADDRESS: harness.stack.temporalAddress };
  const elsewhere = { cwd: '/', env };
  const first = await harness.cli(['run', ...film('bare', 'alien (1979)')], elsewhere);
  expect(first).toMatchObject({ code: 0, stdout: `${JSON.stringify(RESULT)}\n` });
  const status = await harness.cli(['status', 'bare'], elsewhere);
  expect(records(status.stdout)).toMatchObject([{ job_id: 'bare', status: 'COMPLETED' }]);
  expect((await harness.cli(['run', ...film('bare', 'aliens')], elsewhere)).code).toBe(4);
  expect((await harness.cli(['stats'], elsewhere)).code).toBe(2);
});
