import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BenchResult } from '../../bench/measure/results';
import { until } from '../support/until';

const ROOT = join(__dirname, '..', '..');
const JITI = join(ROOT, 'node_modules', 'jiti', 'lib', 'jiti-cli.mjs');

// servers, workers and a bundle are started, on a machine that may be busy
jest.setTimeout(180_000);

describe('npm run bench', () => {
  const folder = mkdtempSync(join(tmpdir(), 'infer-once-bench-test-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  /** Runs it to its end, in a group of its own as a terminal would. */
  function bench(args: string[], env: NodeJS.ProcessEnv = {}) {
    const child = spawn(process.execPath, [JITI, 'bench/main.ts', ...args], {
      cwd: ROOT,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, TMPDIR: folder, ...env },
    });
    const said = { out: '', err: '' };
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      said.out += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said.err += text;
    });
    const ended = once(child, 'close').then(([code]) => ({ code: code as number | null, ...said }));
    return { child, said, ended };
  }

  test('each job of each contestant is one call, and a duplicate of infer-once or of the bare workflow is none', async () => {
    const [json, svg] = [join(folder, 'bench.json'), join(folder, 'bench.svg')];
    const tiny = ['--quick', '--in-flight', '1,10', '--jobs', '10', '--rounds', '1', '--delay', '0'];
    const all = ['--only', 'direct,bare,client', ...tiny, '--json', json, '--svg', svg];
    const { code, out, err } = await bench(all).ended;
    expect(err).toContain('infer-once, JobClient: 10 jobs, 10 in flight');
    expect(code).toBe(0);
    const { contestants, ratios, versions, faults, recovery } = readResult(json);
    expect({ faults, recovery }).toEqual({ faults: [], recovery: 'stored' });
    expect(contestants.map(({ name }) => name)).toEqual(['direct', 'bare', 'client']);
    for (const { jobs, calls, levels } of contestants) {
      expect(jobs).toBeGreaterThanOrEqual(12);
      expect(calls).toBe(jobs);
      expect(levels.map(({ inFlight }) => inFlight)).toEqual([1, 10]);
    }
    const [direct, bare, client] = contestants;
    expect(direct!.duplicates).toBeNull();
    for (const one of [bare!, client!]) {
      expect(one.duplicates!.perSecond).toBeGreaterThan(0);
      expect(one.history!.events).toBeGreaterThan(5);
      expect(one.history!.bytes).toBeGreaterThan(500);
    }
    expect(client!.history!.attributes).toEqual(bare!.history!.attributes);
    expect(bare!.history!.attributes).toEqual(
      expect.arrayContaining(['JobCostUsd', 'JobModel', 'JobStatus', 'JobTask', 'JobTokens']),
    );
    expect(ratios.map(({ name, inFlight, rounds }) => [name, inFlight, rounds])).toEqual([
      ['client', 1, 1],
      ['client', 10, 1],
    ]);
    expect(versions).toContain("Temporal's dev server");
    expect(readFileSync(svg, 'utf8')).toMatch(/^<svg .*<\/svg>\n$/s);
    expect(out).toContain('infer-once, JobClient');
  });

  test('a contestant whose server is not there is named with what to do, and the exit says so', async () => {
    const json = join(folder, 'away.json');
    const args = ['--only', 'direct,bullmq', '--quick', '--in-flight', '1', '--jobs', '2', '--json', json];
    const { code, out } = await bench(args, { PATH: folder }).ended;
    expect(out).toMatch(/BullMQ was not measured: Redis can't start .*apt-get install redis-server/);
    expect(code).toBe(1);
    const { contestants, faults } = readResult(json);
    expect(faults).toEqual([expect.stringMatching(/^BullMQ was not measured: Redis can't start .*\.$/)]);
    expect(contestants.map(({ jobs, calls }) => [jobs, calls])).toEqual([
      [12, 12],
      [0, 0],
    ]);
  });

  test.each([
    [['--jobs', '0'], /--jobs.*whole number of 1 or more/],
    [['--jobs', '-3'], /--jobs.*whole number of 1 or more/],
    [['--in-flight', '1,x'], /--in-flight.*whole number of 1 or more/],
    [
      ['--json', join(tmpdir(), 'no', 'such', 'folder', 'a.json')],
      /There is no folder .*; make it, or name another/,
    ],
  ])('%j is refused in one sentence before anything starts', async (args, sentence) => {
    const { code, out, err } = await bench(args).ended;
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err.trim()).toMatch(sentence);
    expect(err.trim().split('\n')).toHaveLength(1);
  });

  test('Ctrl-C ends every child and leaves nothing behind', async () => {
    const { child, said, ended } = bench(['--only', 'client', '--quick', '--in-flight', '100']);
    await until('jobs run', () => said.err.includes('jobs, 100 in flight'), 60_000);
    const children = descendants(child.pid!);
    // the provider, the server, a worker
    expect(children.length).toBeGreaterThanOrEqual(3);
    // as a terminal does: the whole group
    process.kill(-child.pid!, 'SIGINT');
    const { code, out } = await ended;
    expect({ code, out }).toEqual({ code: 130, out: '' });
    expect(children.filter(isAlive)).toEqual([]);
    expect(readdirSync(folder).filter((name) => name.startsWith('infer-once-bench-'))).toEqual([]);
  });
});

/** The processes that a process started, and theirs. */
function descendants(of: number): number[] {
  const lines = execFileSync('ps', ['-axo', 'pid=,ppid='], { encoding: 'utf8' }).trim().split('\n');
  const pairs = lines.map((line) => line.trim().split(/\s+/).map(Number) as [number, number]);
  const below = (parent: number): number[] =>
    pairs.flatMap(([pid, its]) => (its === parent ? [pid, ...below(pid)] : []));
  return below(of);
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

function readResult(file: string) {
  const result = JSON.parse(readFileSync(file, 'utf8')) as BenchResult;
  return { ...result, versions: Object.keys(result.servers) };
}
