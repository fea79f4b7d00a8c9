import { closeSync, existsSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { CommanderError } from 'commander';
import { Interrupted, orInterrupted, takeInterrupts } from '../src/dev/demo/interrupt';
import { ConfigError, UserError } from '../src/errors';
import { parseCommand } from './command';
import { CONTESTANTS } from './contestants';
import type { BenchResult } from './measure/results';
import { FULL, narrowPlan, QUICK } from './plan';
import { describeMachine } from './report/machine';
import { toSvg } from './report/svg';
import { toText } from './report/table';
import { runBench } from './run';
import { openWorld, RECOVERY } from './world';

async function main(): Promise<number> {
  const options = parseCommand();
  // half an hour later would be too late to say so
  for (const file of [options.json, options.svg]) if (file !== undefined) checkWritable(file);
  const plan = narrowPlan(options.quick ? QUICK : FULL, options);
  const stop = takeInterrupts();
  const began = performance.now();
  const say = (line: string) => {
    if (!stop.aborted)
      console.error(`${((performance.now() - began) / 1000).toFixed(0).padStart(5)} s  ${line}`);
  };
  const date = new Date().toISOString();
  const chosen = CONTESTANTS.filter(({ name }) => options.only?.includes(name) ?? true);
  const args = process.argv.slice(2);
  const world = await openWorld(plan.delayMs);
  try {
    const measured = await orInterrupted(runBench(world, chosen, plan, say, stop), stop);
    const result: BenchResult = {
      date,
      command: ['npm run bench', ...(args.length > 0 ? ['--', ...args] : [])].join(' '),
      machine: describeMachine(),
      servers: world.versions,
      delayMs: plan.delayMs,
      recovery: RECOVERY,
      seconds: (performance.now() - began) / 1000,
      ...measured,
    };
    // first what can't fail
    console.log(toText(result));
    if (options.json) writeFileSync(options.json, `${JSON.stringify(result, null, 2)}\n`);
    if (options.svg) writeFileSync(options.svg, toSvg(result));
    return result.faults.length > 0 ? 1 : 0;
  } finally {
    await world.stop();
  }
}

/** @throws ConfigError where the file can't be written; leaves nothing behind */
function checkWritable(file: string): void {
  const isNew = !existsSync(file);
  try {
    closeSync(openSync(file, 'a'));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new ConfigError(`${file} can't be written (${code}); name another file.`, error);
  }
  if (isNew) rmSync(file);
}

function exitCodeOf(error: unknown): number {
  if (error instanceof Interrupted) return error.exitCode;
  // it has said what is wrong, or gave its help
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  if (!(error instanceof UserError)) console.error(error);
  else console.error(`error: ${error.message}`);
  return error instanceof ConfigError ? 2 : 1;
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => process.exit(exitCodeOf(error)),
);
