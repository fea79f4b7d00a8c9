import { execFile } from 'node:child_process';
import { join } from 'node:path';
import type { Summary } from './batch';
import { Sources } from './loader';
import { KEPT_SEEDS } from './seeds';
import { simulate } from './simulate';

/** Of the 20,000 that CI plays, in a step of its own with a limit. */
const SEEDS = 2_000;
const MINUTES = 60_000;

/** As `npm run sim` runs it: in threads of its own, with the history of a failing seed one command away. */
function runSim(...args: string[]): Promise<{ code: number; out: string }> {
  return new Promise((resolve) => {
    const sim = join(__dirname, 'sim.js');
    execFile(process.execPath, [sim, ...args], { maxBuffer: 1e8 }, (error, stdout, stderr) => {
      resolve({ code: error ? Number(error.code) : 0, out: stdout || stderr });
    });
  });
}

test(
  `the production code keeps every invariant in ${SEEDS} seeds, and enough happens in them`,
  async () => {
    const { code, out } = await runSim('--seeds', String(SEEDS), '--json');
    const sum = JSON.parse(out) as Summary & { idle: string[]; seconds: number };
    const { jobs, billed, 'ended COMPLETED': completed, 'were in doubt': doubts } = sum.counts;
    console.log(
      `${sum.seeds} seeds in ${sum.seconds.toFixed(0)} s: ${jobs} jobs, ${billed} calls paid for, ${completed} completed, ${doubts} were in doubt`,
    );
    expect(sum.failed).toEqual([]);
    expect(sum.idle).toEqual([]);
    expect(sum.seeds).toBe(SEEDS);
    expect(code).toBe(0);
  },
  15 * MINUTES,
);

test.each(KEPT_SEEDS)('kept seed %d breaks nothing', async (seed) => {
  expect((await simulate(seed)).violations).toEqual([]);
});

test('a seed plays the same history every time', async () => {
  const sources = new Sources();
  for (const seed of [3, 11, 24]) {
    const first = await simulate(seed, { history: true, sources });
    const second = await simulate(seed, { history: true, sources: new Sources() });
    expect(first.history.length).toBeGreaterThan(5);
    expect(second.history).toEqual(first.history);
  }
});

test('a seed that is played alone prints what happened, step by step', async () => {
  const { code, out } = await runSim('--seed', '3');
  expect(code).toBe(0);
  expect(out).toMatch(/^ +\d+\.\d{3} {2}submitter1 +run job with A$/m);
  expect(out).toMatch(/writes job: none -> PENDING\/1/);
});

test('a run that does too little fails', async () => {
  const { code, out } = await runSim('--seeds', '1', '--threads', '1');
  expect(out).toContain('too little happened');
  expect(code).toBe(1);
});
