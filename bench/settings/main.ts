import { orInterrupted } from '../../src/dev/demo/interrupt';
import { describeMachine } from '../report/machine';
import { benchCommand, outputFile, someOf, wholeNumber, wholeNumbers } from '../support/options';
import { runCommand, writeText } from '../support/run-command';
import type { Scope } from '../support/scope';
import { openWorld, type World } from '../world';
import { SETTINGS } from './choices';
import { measureSetting, type SettingResult } from './measure';
import { FULL, narrowSettings, QUICK, type SettingsPlan } from './plan';
import { type SettingsResult, toText } from './report';

const names = SETTINGS.map(({ name }) => name);
const DELAY_MS = 50;

const options = benchCommand('bench:settings')
  .description(
    "Measures the settings of infer-once's worker and dev server beside what could be set in their place: the values of a setting take turns, round by round, on this machine. The tables go to stdout, progress to stderr.",
  )
  .option('--quick', 'a quarter of the time: fewer jobs and half of the rounds', false)
  .option('--only <names>', `these alone, by commas: ${names.join(', ')}`, someOf(names))
  .option('--in-flight <numbers>', 'these loads alone, by commas, e.g. 1,10', wholeNumbers)
  .option('--jobs <n>', 'at most so many jobs of each value a round', wholeNumber())
  .option('--rounds <n>', 'rounds at each load; best a multiple of how many values there are', wholeNumber())
  .option('--json <file>', 'write the figures there', outputFile)
  .addHelpText(
    'after',
    '\nExit: 0 measured, 1 something could not be (named at the end), 2 the command line, 130 Ctrl-C.\n\nExamples:\n  npm run bench:settings -- --json settings.json\n  npm run bench:settings -- --quick --only sticky-timeout,eager-start --in-flight 10',
  )
  .parse()
  .opts<{
    quick: boolean;
    only?: string[];
    inFlight?: number[];
    jobs?: number;
    rounds?: number;
    json?: string;
  }>();

interface Run {
  world: World;
  plan: SettingsPlan;
  scope: Scope;
  stop: AbortSignal;
  say(line: string): void;
}

/** One setting after the other; a fault ends the setting that it hits and no more. */
async function measureAll({ world, plan, scope, stop, say }: Run) {
  const settings: SettingResult[] = [];
  const faults: string[] = [];
  for (const setting of SETTINGS.filter(({ name }) => options.only?.includes(name) ?? true)) {
    try {
      say(`${setting.name}: ${setting.choices.length} workers start`);
      settings.push(await scope.within((inner) => measureSetting(world, setting, plan, inner, say)));
    } catch (error) {
      stop.throwIfAborted();
      faults.push(`${setting.name}: ${(error as Error).message.split('\n')[0]}`);
      say(faults.at(-1)!);
    }
  }
  return { settings, faults };
}

async function main(scope: Scope, stop: AbortSignal): Promise<number> {
  const plan = narrowSettings(options.quick ? QUICK : FULL, options);
  const began = performance.now();
  const say = (line: string) => {
    if (!stop.aborted)
      console.error(`${((performance.now() - began) / 1000).toFixed(0).padStart(5)} s  ${line}`);
  };
  const date = new Date().toISOString();
  const args = process.argv.slice(2);
  const world = await openWorld(scope, DELAY_MS);
  const measured = await orInterrupted(measureAll({ world, plan, scope, stop, say }), stop);
  const result: SettingsResult = {
    date,
    command: ['npm run bench:settings', ...(args.length > 0 ? ['--', ...args] : [])].join(' '),
    machine: describeMachine(),
    servers: world.versions,
    delayMs: DELAY_MS,
    seconds: (performance.now() - began) / 1000,
    ...measured,
  };
  // first what can't fail
  console.log(toText(result));
  if (options.json) writeText(options.json, `${JSON.stringify(result, null, 2)}\n`);
  return result.faults.length > 0 ? 1 : 0;
}

runCommand(main);
