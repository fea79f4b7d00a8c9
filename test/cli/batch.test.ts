import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { CliHarness, records, SOON_IN_DOUBT } from './support';

const harness = new CliHarness();
beforeAll(() => harness.start(SOON_IN_DOUBT));
afterAll(() => harness.stop());
afterEach(() => harness.calm());

const job = (job_id: string, title = job_id) => ({ job_id, input: { title } });
const many = (name: string, count: number) => Array.from({ length: count }, (_, i) => job(`${name}-${i}`));

test('run again, it pays only for what is missing', async () => {
  const file = harness.write('half.jsonl', many('half', 10));
  const first = await harness.cli(['batch', 'enrich', file, '--out', 'half.out']);
  expect(first).toMatchObject({ code: 0, stdout: '', stderr: '10 done (0 replayed)\n' });
  expect(harness.offline.billed()).toBe(10);

  harness.write('half.jsonl', many('half', 25));
  const second = await harness.cli(['batch', 'enrich', file, '--out', 'half.out']);
  expect(second).toMatchObject({ code: 0, stderr: '25 done (10 replayed)\n' });
  expect(harness.offline.billed()).toBe(25);
  const written = harness.read('half.out');
  expect(new Set(written.map(({ job_id }) => job_id)).size).toBe(25);
  expect(written.every(({ status }) => status === 'COMPLETED')).toBe(true);
});

test('a line that is no job is told with its number and stops no other', async () => {
  const file = harness.write('bad.jsonl', [
    job('good-1'),
    'not json',
    '',
    { input: { title: 'no id' } },
    { job_id: 'no-input' },
    job('a b'),
    { ...job('elsewhere'), task: 'prompt' },
    [1],
    job('good-2'),
  ]);
  const { code, stdout, stderr } = await harness.cli(['batch', 'enrich', file]);
  expect(code).toBe(2);
  const written = records(stdout);
  const bad = written.filter(({ error }) => (error as { code?: string } | null)?.code === 'invalid_line');
  expect(bad.map(({ line }) => line)).toEqual([2, 4, 5, 6, 7, 8]);
  expect(bad.map(({ job_id }) => job_id)).toEqual([null, null, 'no-input', 'a b', 'elsewhere', null]);
  const good = written.filter(({ status }) => status === 'COMPLETED').map(({ job_id }) => job_id);
  expect(good.sort()).toEqual(['good-1', 'good-2']);
  expect(stderr).toContain('line 2: The line is no JSON.\n');
  expect(stderr).toContain('2 done (0 replayed), 6 bad\n');
});

test('of two lines with one id the first stands, whatever runs at once', async () => {
  const file = harness.write('twice.jsonl', [
    job('twice', 'first'),
    job('twice', 'second'),
    job('twice', 'first'),
  ]);
  const { code, stdout } = await harness.cli(['batch', 'enrich', file]);
  expect(code).toBe(4);
  expect(records(stdout)).toMatchObject([
    { job_id: 'twice', status: 'COMPLETED', replayed: false },
    { line: 2, job_id: 'twice', error: { code: 'input_mismatch' } },
    { job_id: 'twice', status: 'COMPLETED', replayed: true },
  ]);
  expect(harness.offline.billed('twice')).toBe(1);
});

test('failures and doubts are records of their own, and the exit code tells the one that needs somebody', async () => {
  await harness.offline.rules(
    { match: { contains: 'LOST' }, do: { reset: 'after_billing' } },
    { match: { contains: 'REJECTED' }, do: { status: 400 } },
  );
  const mixed = [job('mixed-1'), job('mixed-2', 'LOST'), job('mixed-3', 'REJECTED')];
  const file = harness.write('mixed.jsonl', mixed);
  const { code, stdout, stderr } = await harness.cli(['batch', 'enrich', file]);
  expect(code).toBe(5);
  const statuses = records(stdout).map(({ job_id, status }) => [job_id, status]);
  expect(Object.fromEntries(statuses)).toEqual({
    'mixed-1': 'COMPLETED',
    'mixed-2': 'IN_DOUBT',
    'mixed-3': 'FAILED',
  });
  expect(stderr).toContain('1 done (0 replayed), 1 in doubt, 1 failed\n');

  const late = harness.write('late.jsonl', [job('late')]);
  await harness.offline.rules({ do: { hold: true } });
  expect((await harness.cli(['batch', 'enrich', late, '--timeout', '500ms'])).code).toBe(3);
});

test('with --id-field the whole line is the input, also from stdin', async () => {
  const stdin = ['{"imdb": "tt1", "title": "alien (1979)"}', '{"imdb": 2, "title": "solaris"}'].join('\n');
  const { code, stdout } = await harness.cli(['batch', 'enrich', '-', '--id-field', 'imdb'], { stdin });
  expect(code).toBe(0);
  expect(
    records(stdout)
      .map(({ job_id }) => job_id)
      .sort(),
  ).toEqual(['2', 'tt1']);
  const again = await harness.cli([
    'run',
    'enrich',
    '--id',
    '2',
    '--input',
    '{"imdb": 2, "title": "solaris"}',
  ]);
  expect(again.code).toBe(0);
  expect(harness.offline.billed('2')).toBe(1);
});

test('Ctrl-C leaves the last whole output as it was, and what was done is not paid for again', async () => {
  const file = harness.write('stop.jsonl', [job('stop-0')]);
  await harness.cli(['batch', 'enrich', file, '--out', 'stop.out']);
  harness.write('stop.jsonl', [job('stop-0'), job('stop-1'), job('stop-2', 'HELD')]);
  await harness.offline.rules({ match: { contains: 'HELD' }, do: { hold: true } });
  const running = harness.begin(['batch', 'enrich', file, '--out', 'stop.out']);
  await harness.offline.waitForHeld('stop-2');
  // its record is written once its call was answered
  await harness.offline.waitForState(({ in_flight }) => in_flight.length === 1);
  await harness.cli(['status', 'stop-1', '--wait']);
  running.process.kill('SIGINT');
  const { code, stderr } = await running.ended;
  expect(code).toBe(130);
  expect(stderr).toContain('records are in');
  expect(harness.read('stop.out')).toMatchObject([{ job_id: 'stop-0' }]);
  expect(existsSync(join(harness.folder, 'stop.out.partial'))).toBe(true);

  await harness.offline.release();
  const again = await harness.cli(['batch', 'enrich', file, '--out', 'stop.out']);
  expect(again.code).toBe(0);
  expect(harness.read('stop.out')).toHaveLength(3);
  expect(existsSync(join(harness.folder, 'stop.out.partial'))).toBe(false);
  for (const id of ['stop-0', 'stop-1', 'stop-2']) expect(harness.offline.billed(id)).toBe(1);
});

test('an output that can not be written, or is the input, is refused before anything is paid for', async () => {
  const file = harness.write('unpaid.jsonl', [job('unpaid')]);
  mkdirSync(join(harness.folder, 'folder'));
  for (const out of ['folder', 'none/o', file, `./${file}`]) {
    const { code, stderr } = await harness.cli(['batch', 'enrich', file, '--out', out]);
    expect([out, code]).toEqual([out, 2]);
    expect(stderr).toMatch(/^infer-once: [^\n]+\n$/);
  }
  expect(harness.offline.billed('unpaid')).toBe(0);
});

test('a reader that has seen enough ends it without a word', async () => {
  const file = harness.write('piped.jsonl', many('piped', 5));
  await harness.cli(['batch', 'enrich', file]);
  const running = harness.begin(['batch', 'enrich', file]);
  running.process.stdout!.destroy();
  expect(await running.ended).toMatchObject({ code: 141, stderr: '' });
});
