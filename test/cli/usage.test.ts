import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startCli } from './support';

const folder = mkdtempSync(join(tmpdir(), 'infer-once-usage-'));
afterAll(() => rmSync(folder, { recursive: true }));

const cli = (args: string[], env: NodeJS.ProcessEnv = {}, cwd = folder) =>
  startCli(args, { cwd, env: { TEMPORAL_ADDRESS: '127.0.0.1:1', ...env } }).ended;

const COMMANDS = [
  ...['dev', 'worker', 'setup', 'doctor', 'run', 'submit', 'status', 'list', 'retry', 'cancel', 'forget'],
  ...['resolve', 'batch', 'stats', 'consume', 'gateway', 'keys', 'encryption-keys', 'purge'],
];

test('help lists every command, and each has an example and its exit codes', async () => {
  const { code, stdout } = await cli(['--help']);
  expect(code).toBe(0);
  const listed = [...stdout.matchAll(/^ {2}([\w-]+) .*$/gm)].map(([, name]) => name);
  expect(listed).toEqual(expect.arrayContaining(COMMANDS));
  for (const command of COMMANDS) {
    const help = await cli([command, '--help']);
    expect(help.code).toBe(0);
    expect(help.stdout).toMatch(new RegExp(`Examples?:\\n {2}.*infer-once ${command}`));
    expect(help.stdout).toContain('Exit codes:\n  0  done\n');
  }
});

test('without a command it prints the help as an error, and --version the version', async () => {
  const { code, stdout, stderr } = await cli([]);
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  expect(stderr).toContain('Usage: infer-once');
  expect(await cli(['--version'])).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/),
  });
});

const film = ['--input', '{"title": "x"}'];

const SQS = 'https://sqs.eu-west-1.amazonaws.com/123456789012/jobs';
const WITH_STORE = { INFER_ONCE_STORE_URL: 'sqlite:store.db' };

/** Each kind of mistake, with a word that its message has to have. */
const MISTAKES: [args: string[], says: string, env?: NodeJS.ProcessEnv][] = [
  [['runn'], 'Did you mean run?'],
  [['run', 'enrich', '--id', 'x', ...film, '--frob'], "unknown option '--frob'"],
  [['run', '--id', 'x', ...film], "missing required argument 'task'"],
  [['run', 'enrich', ...film], '--id'],
  [['run', 'enrich', '--id', 'x'], '--input'],
  [['run', 'enrich', 'more', '--id', 'x', ...film], 'too many arguments'],
  [['run', 'nope', '--id', 'x', ...film], 'Task "nope" is not known here; known are enrich, prompt'],
  [['run', 'enrich', '--id', 'a b', ...film], 'Job id "a b"'],
  [['run', 'enrich', '--id', '', ...film], 'Job id ""'],
  [['run', 'enrich', '--id', 'x', '--input', '{"a":'], '--input is no JSON'],
  [['run', 'enrich', '--id', 'x', '--input', ''], '--input is empty'],
  [
    ['run', 'enrich', '--id', 'x', '--input', '@none.json'],
    'File "none.json" can\'t be read: there is no such',
  ],
  [['run', 'enrich', '--id', 'x', '--input', '-'], 'stdin is empty'],
  [['run', 'enrich', '--id', 'x', ...film, '--timeout', '30'], '30s'],
  [['status'], "missing required argument 'job-id'"],
  [['status', 'a/b'], 'Job id "a/b"'],
  [['list', '--status', 'LOST'], 'IN_DOUBT'],
  [['list', '--limit', '0'], 'whole number from 1 to 1000'],
  [['list', '--limit', '1e2'], 'whole number from 1 to 1000'],
  [['resolve', 'x'], 'Choose one of'],
  [['resolve', 'x', '--rerun', '--abandon'], 'Choose one of'],
  [['resolve', '--rerun'], 'Name the job'],
  [['resolve', '--all', 'x', '--rerun'], 'exclude each other'],
  [['resolve', '--all', '--adopt', 'f.json'], 'for one job'],
  [['resolve', 'x', '--rerun', '--yes'], 'go with --all'],
  [['resolve', 'x', '--rerun', '--doubt', 'last'], 'whole number'],
  [['batch', 'enrich'], "missing required argument 'file'"],
  [['batch', 'enrich', 'none.jsonl'], 'there is no such file'],
  [['batch', 'enrich', '.'], 'is a folder'],
  [['batch', 'nope', '-'], 'Task "nope"'],
  [['batch', 'enrich', '-', '--concurrency', '0'], 'whole number'],
  [['worker'], 'A worker needs INFER_ONCE_STORE_URL'],
  // both at once
  [['worker'], 'store.db. OPENAI_API_KEY is not set'],
  [['worker'], 'OPENAI_API_KEY is not set', { INFER_ONCE_STORE_URL: 'sqlite:store.db' }],
  [['consume'], '--queue'],
  [['consume', '--queue', SQS], "A consumer needs INFER_ONCE_STORE_URL, the workers' own"],
  [['consume', '--queue', SQS], 'memory: is a store of one process', { INFER_ONCE_STORE_URL: 'memory:' }],
  [['consume', '--queue', SQS, '--concurrency', '0'], 'whole number from 1 to 500'],
  [['consume', '--queue', 'amqp://ada:hunter2@mq/jobs'], '(amqp:) names no known queue', WITH_STORE],
  [['consume', '--queue', 'jobs'], '(without a scheme) names no known queue', WITH_STORE],
  [['consume', '--queue', 'https://sqs.eu-west-1.amazonaws.com/jobs'], 'ACCOUNT/NAME', WITH_STORE],
  [['consume', '--queue', 'https://ada:hunter2@mq/1/jobs'], 'holds a name or a password', WITH_STORE],
  [['dev', '--workers', '0'], 'whole number'],
  [['dev', '--temporal-port', '70000'], 'whole number from 1 to 65535'],
  [['dev', '--temporal-port', '9', '--ui-port', '9'], 'choose two'],
  [['dev'], 'memory: is a store of one process', { INFER_ONCE_STORE_URL: 'memory:' }],
  [['list'], 'INFER_ONCE_LEASE is "5"', { INFER_ONCE_LEASE: '5' }],
  [['list'], 'names no known store', { INFER_ONCE_STORE_URL: 'oracle:x' }],
  // all faults at once, the store's among them
  [['list'], 'names no known store', { INFER_ONCE_STORE_URL: 'oracle:x', INFER_ONCE_LEASE: '5' }],
  [['list'], 'There is no store at typo.db', { INFER_ONCE_STORE_URL: 'sqlite:typo.db' }],
  [['status', 'x'], 'There is no store at typo.db', { INFER_ONCE_STORE_URL: 'sqlite:typo.db' }],
  [['run', 'enrich', '--id', 'x', ...film], 'tasks module ./none.ts', { INFER_ONCE_TASKS: './none.ts' }],
];

// jest takes a missing third argument for its callback
test.each(MISTAKES.map(([args, says, env = {}]) => [args, says, env] as const))(
  'a mistake is told in a sentence and ends with 2: %j',
  async (args, says, env) => {
    const { code, stdout, stderr } = await cli(args, env);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(says);
    expect(stderr).toMatch(/^infer-once: [^\n]+\n(\([^\n]+\)\n)*$/);
  },
);

test('a message never shows the input, nor a password', async () => {
  const secret = await cli(['run', 'enrich', '--id', 'x', '--input', '{"title": "hunter2" oops}']);
  expect(secret.code).toBe(2);
  expect(secret.stderr).not.toContain('hunter2');
  const url = await cli(['list'], { INFER_ONCE_STORE_URL: 'postgres://ada:hunter2@db/x' });
  expect(url.stderr).not.toContain('hunter2');
  const queue = await cli(['consume', '--queue', 'https://ada:hunter2@mq/1/jobs'], WITH_STORE);
  expect(queue.stderr).not.toContain('hunter2');
});

test('.env of the working directory is read, and the environment wins over it', async () => {
  const own = mkdtempSync(join(folder, 'env-'));
  writeFileSync(join(own, '.env'), 'INFER_ONCE_STORE_URL=fromfile:x\n');
  expect((await cli(['list'], {}, own)).stderr).toContain('(fromfile:)');
  const env = { INFER_ONCE_STORE_URL: 'fromshell:x' };
  expect((await cli(['list'], env, own)).stderr).toContain('(fromshell:)');
});
