import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { FILM_COUNT, filmJobs, submissionsOf } from '../../src/dev/demo/jobs';
import { concurrencyFor, firstDisturbed } from '../../src/dev/demo/kill-in-mid-call';
import { estimateCost } from '../../src/dev/demo/live';
import { until } from './until';

const MAIN = resolve(__dirname, '../../dist/dev/demo/main.js');

/** What people who build with LLMs, or run Temporal, have in their shells and in `.env`. */
const HOSTILE = {
  OPENAI_API_KEY: 'sk-not-to-be-spent',
  OPENAI_BASE_URL: 'http://127.0.0.1:1/v1',
  INFER_ONCE_RECOVERY: 'nonsense',
  INFER_ONCE_TASKS: '/no/such/tasks.ts',
  INFER_ONCE_STORE_URL: 'postgres://nowhere',
  INFER_ONCE_TASK_QUEUE: 'another',
  INFER_ONCE_CONCURRENCY: '0',
  TEMPORAL_ADDRESS: 'temporal.invalid:7233',
  TEMPORAL_NAMESPACE: 'production',
  TEMPORAL_TLS: 'true',
  TEMPORAL_API_KEY: 'nonsense',
};

/** Two cores that others use too: a run takes 10 s, and more than half a minute on a bad day. */
jest.setTimeout(120_000);

let home: string;

afterEach(() => rmSync(home, { recursive: true, force: true }));

/** A working directory with that `.env`, and a temporary folder of its own to look at afterwards. */
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'infer-once-demo-test-'));
  writeFileSync(join(home, '.env'), 'TEMPORAL_TLS=true\nINFER_ONCE_LEASE=banana\nOPENAI_ORG_ID=nobody\n');
});

function startDemo(args: string[], env: Record<string, string> = {}) {
  const child = spawn(process.execPath, [MAIN, ...args], {
    cwd: home,
    env: { ...process.env, TMPDIR: home, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const said = { stderr: '' };
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    said.stderr += chunk;
  });
  const stdout = text(child.stdout);
  const ended = once(child, 'close').then(async ([code]) => ({
    code: code as number | null,
    stdout: await stdout,
    stderr: said.stderr,
  }));
  return { child, said, ended };
}

const leftovers = () => readdirSync(home).filter((name) => name.startsWith('infer-once-demo-'));

/** What is left of the demo: processes that name its folder, and the workers that it told of. */
function processesLeft(stderr: string): string[] {
  const all = execFileSync('ps', ['-axo', 'pid=,args='], { encoding: 'utf8' }).split('\n');
  const workers = /Workers (\d+) and (\d+)/.exec(stderr)?.slice(1) ?? [];
  return all.filter((line) => line.includes(home) || workers.includes(line.trim().split(' ')[0]!));
}

test('duplicates and a killed worker cost no second inference, whatever the shell has exported', async () => {
  const { code, stdout, stderr } = await startDemo(['--jobs', '60', '--json'], HOSTILE).ended;
  expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringMatching(/offline stand-in/) });
  const figures = JSON.parse(stdout);
  expect(figures).toMatchObject({
    ok: true,
    provider: 'offline stand-in',
    jobs: 60,
    submissions: 180,
    billed: 60,
    billed_by: 'ledger',
    answers: 180,
    completed: 60,
    duplicates_avoided: 120,
    differences: [],
  });
  expect(figures.killed_with_calls).toBeGreaterThanOrEqual(1);
  expect(figures.recovered).toBeGreaterThanOrEqual(figures.killed_with_calls);
  expect(processesLeft(stderr)).toEqual([]);
  expect(leftovers()).toEqual([]);
});

test('Ctrl-C in the middle ends every part and leaves nothing behind', async () => {
  const demo = startDemo(['--jobs', '60']);
  await until(() => demo.said.stderr.includes('Submitting'));
  expect(processesLeft(demo.said.stderr).length).toBeGreaterThanOrEqual(4);
  demo.child.kill('SIGINT');
  // npm passes the terminal's Ctrl-C on once more
  demo.child.kill('SIGINT');
  const { code, stdout, stderr } = await demo.ended;
  expect({ code, stdout }).toEqual({ code: 130, stdout: '' });
  expect(processesLeft(stderr)).toEqual([]);
  expect(leftovers()).toEqual([]);
});

test.each([
  [['--live'], {}, /--live needs OPENAI_API_KEY/],
  [['--live'], { OPENAI_API_KEY: 'sk-test' }, /api\.openai\.com for real: 20 jobs.*\$.*\n.*\n.*say --yes/],
  [['--jobs', '5'], {}, /whole number from 10 to 360/],
  [['--job', '20'], {}, /unknown option '--job'/],
])('%j with %j is refused in a sentence before anything starts', async (args, env, sentence) => {
  const none = { OPENAI_API_KEY: '', OPENAI_BASE_URL: '' };
  const { code, stdout, stderr } = await startDemo(args, { ...none, ...env }).ended;
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  expect(stderr).toMatch(sentence);
  expect(stderr).not.toMatch(/^\s+at /m);
  expect(leftovers()).toEqual([]);
});

test('--live estimates the cost of what would be sent, and a price that is not known is none', () => {
  const known = estimateCost(20, 'gpt-6-luna', undefined);
  expect(known.usage.input_tokens).toBeGreaterThan(20 * 100);
  expect(known.usd).toBeGreaterThan(0);
  expect(estimateCost(40, 'gpt-6-luna', undefined).usd).toBeGreaterThan(1.5 * known.usd!);
  expect(estimateCost(20, 'nobodys-model', undefined)).toMatchObject({ model: 'nobodys-model', usd: null });
});

describe('the films', () => {
  test('there are 300 or more real titles, each a job of its own with a category', () => {
    const jobs = filmJobs(FILM_COUNT);
    expect(jobs.length).toBeGreaterThanOrEqual(300);
    expect(new Set(jobs.map(({ job_id }) => job_id)).size).toBe(jobs.length);
    for (const { input } of jobs) {
      expect(input).toEqual({
        title: expect.stringMatching(/./),
        description: expect.stringMatching(/^A film of \d{4}\.$/),
        category: expect.stringMatching(/./),
      });
    }
  });

  test('both clients together submit each job three times, and each client submits every job', () => {
    const [first, second] = [submissionsOf(0, 11), submissionsOf(1, 11)];
    const counts = filmJobs(11).map(({ job_id }) =>
      [first, second].map((list) => list.filter((job) => job.job_id === job_id).length).sort(),
    );
    expect(counts).toEqual(Array.from({ length: 11 }, () => [1, 2]));
  });
});

test.each([10, 11, 12, 30, 100, 360])('of %i jobs enough are disturbed to fill both workers', (jobs) => {
  expect(jobs - firstDisturbed(jobs)).toBeGreaterThanOrEqual(2 * concurrencyFor(jobs));
});
