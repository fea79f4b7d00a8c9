import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SettingsResult } from '../../bench/settings/report';

const ROOT = join(__dirname, '..', '..');
const JITI = join(ROOT, 'node_modules', 'jiti', 'lib', 'jiti-cli.mjs');

// servers and workers are started, on a machine that may be busy
jest.setTimeout(180_000);

describe('npm run bench:settings', () => {
  const folder = mkdtempSync(join(tmpdir(), 'infer-once-settings-test-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  async function bench(args: string[]) {
    const child = spawn(process.execPath, [JITI, 'bench/settings/main.ts', ...args], {
      cwd: ROOT,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, TMPDIR: folder },
    });
    const said = { out: '', err: '' };
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      said.out += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said.err += text;
    });
    const [code] = (await once(child, 'close')) as [number | null];
    return { code, ...said };
  }

  test('each worker runs with the value that it is compared for, and no job is paid for twice', async () => {
    const json = join(folder, 'settings.json');
    const tiny = ['--in-flight', '2', '--jobs', '4', '--rounds', '2', '--json', json];
    const { code, out } = await bench(['--only', 'sticky-timeout,workflow-cache,eager-start', ...tiny]);
    expect(code).toBe(0);
    const { settings, faults } = JSON.parse(readFileSync(json, 'utf8')) as SettingsResult;
    expect(faults).toEqual([]);
    const [cache, sticky, eager] = settings;
    expect(settings.map(({ name }) => name)).toEqual(['workflow-cache', 'sticky-timeout', 'eager-start']);
    expect(sticky!.choices.map(({ options }) => options.stickyQueueScheduleToStartTimeout)).toEqual([
      1_000, 10_000, 200,
    ]);
    expect(cache!.choices.slice(1).map(({ options }) => options.maxCachedWorkflows)).toEqual([0, 50]);
    // a round that does not count, and two that do
    for (const { choices, jobs, calls } of settings)
      expect([jobs, calls]).toEqual(Array(2).fill(12 * choices.length));
    const [late, early] = eager!.choices.map(({ eagerStarts }) => eagerStarts!);
    expect(late).toBe(0);
    expect(early).toBeGreaterThan(0);
    for (const { choices } of settings) {
      const [present, ...others] = choices.map(({ levels }) => levels[0]!.ratios);
      expect(present).toBeNull();
      for (const ratios of others) expect(ratios!.p50.median).toBeGreaterThan(0);
    }
    expect(out).toContain("| sticky queue's time-out | 1 s | 10 s (the SDK's) |");
  });

  test('what can’t be used is refused in one sentence, and help has an example', async () => {
    const { code, out, err } = await bench(['--only', 'luck']);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err.trim()).toMatch(/"luck" is none of workflow-pollers, /);
    expect((await bench(['--help'])).out).toContain('npm run bench:settings -- --json');
  });
});
