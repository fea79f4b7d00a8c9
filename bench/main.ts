import { writeFileSync } from 'node:fs';
import { Command, InvalidArgumentError } from 'commander';
import { Interrupted, orInterrupted, takeInterrupts } from '../src/dev/demo/interrupt';
import { CONTESTANTS } from './contestants';
import type { BenchResult } from './measure/results';
import { FULL, type Plan, QUICK } from './plan';
import { describeMachine } from './report/machine';
import { toSvg } from './report/svg';
import { toText } from './report/table';
import { runBench } from './run';
import { openWorld } from './world';

interface Options {
  quick: boolean;
  only?: string[];
  inFlight?: number[];
  jobs?: number;
  rounds?: number;
  delay?: number;
  json?: string;
  svg?: string;
}

const names = CONTESTANTS.map(({ name }) => name);

function count(text: string): number {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError('It must be a whole number.');
  return Number(text);
}

function parseOnly(text: string): string[] {
  const wanted = text.split(',').map((name) => name.trim());
  const unknown = wanted.find((name) => !names.includes(name));
  if (unknown !== undefined) throw new InvalidArgumentError(`${unknown} is none of ${names.join(', ')}.`);
  return wanted;
}

function parseCommand(): Options {
  return new Command('bench')
    .description(
      'Measures infer-once beside what people would use in its place, on this machine: one provider with a fixed delay and a ledger, each contestant with a worker process of its own. The table goes to stdout, progress to stderr.',
    )
    .option('--quick', 'under 3 minutes: fewer jobs, and nobody is killed', false)
    .option('--only <names>', `these alone, by commas: ${names.join(', ')}`, parseOnly)
    .option('--in-flight <numbers>', 'these loads alone, by commas, e.g. 1,10', (text) =>
      text.split(',').map(count),
    )
    .option('--jobs <n>', 'at most so many jobs a load', count)
    .option('--rounds <n>', 'rounds of each ratio; 0 = no ratio', count)
    .option('--delay <ms>', 'how long each call takes at the provider (50)', count)
    .option('--json <file>', 'write the figures there')
    .option('--svg <file>', 'draw them there')
    .addHelpText(
      'after',
      '\nExit: 0 measured, 1 a contestant could not be, 130 Ctrl-C.\n\nExamples:\n  npm run bench -- --quick --json bench.json --svg bench.svg\n  npm run bench -- --only bare,client --in-flight 1,10',
    )
    .parse()
    .opts<Options>();
}

function planOf(options: Options): Plan {
  const plan = options.quick ? QUICK : FULL;
  const cut = (levels: Plan['levels']) =>
    levels
      .filter(({ inFlight }) => options.inFlight?.includes(inFlight) ?? true)
      .map(({ inFlight, jobs }) => ({ inFlight, jobs: Math.min(jobs, options.jobs ?? jobs) }));
  return {
    ...plan,
    delayMs: options.delay ?? plan.delayMs,
    levels: cut(plan.levels),
    ratioLevels: cut(plan.ratioLevels),
    rounds: options.rounds ?? plan.rounds,
    memoryJobs: Math.min(plan.memoryJobs, options.jobs ?? plan.memoryJobs),
  };
}

async function main(): Promise<number> {
  const options = parseCommand();
  const plan = planOf(options);
  const stop = takeInterrupts();
  const began = performance.now();
  const say = (line: string) => {
    if (!stop.aborted)
      console.error(`${((performance.now() - began) / 1000).toFixed(0).padStart(5)} s  ${line}`);
  };
  const date = new Date().toISOString();
  const chosen = CONTESTANTS.filter(({ name }) => options.only?.includes(name) ?? true);
  const world = await openWorld(plan.delayMs);
  try {
    const measured = await orInterrupted(runBench(world, chosen, plan, say, stop), stop);
    const result: BenchResult = {
      date,
      command: ['npm run bench', ...(process.argv.length > 2 ? ['--', ...process.argv.slice(2)] : [])].join(
        ' ',
      ),
      machine: describeMachine(),
      servers: world.versions,
      delayMs: plan.delayMs,
      seconds: (performance.now() - began) / 1000,
      ...measured,
    };
    if (options.json) writeFileSync(options.json, `${JSON.stringify(result, null, 2)}\n`);
    if (options.svg) writeFileSync(options.svg, toSvg(result));
    console.log(toText(result));
    return result.contestants.some(({ fault }) => fault) ? 1 : 0;
  } finally {
    await world.stop();
  }
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    if (error instanceof Interrupted) process.exit(error.exitCode);
    console.error(error);
    process.exit(1);
  },
);
