import { orInterrupted } from '../src/dev/demo/interrupt';
import { parseCommand } from './command';
import { CONTESTANTS } from './contestants';
import type { BenchResult } from './measure/results';
import { FULL, narrowPlan, QUICK } from './plan';
import { describeMachine } from './report/machine';
import { toSvg } from './report/svg';
import { toText } from './report/table';
import { runBench } from './run';
import { runCommand, writeText } from './support/run-command';
import type { Scope } from './support/scope';
import { openWorld, RECOVERY } from './world';

async function main(scope: Scope, stop: AbortSignal): Promise<number> {
  const options = parseCommand();
  const plan = narrowPlan(options.quick ? QUICK : FULL, options);
  const began = performance.now();
  const say = (line: string) => {
    if (!stop.aborted)
      console.error(`${((performance.now() - began) / 1000).toFixed(0).padStart(5)} s  ${line}`);
  };
  const date = new Date().toISOString();
  const chosen = CONTESTANTS.filter(({ name }) => options.only?.includes(name) ?? true);
  const args = process.argv.slice(2);
  const world = await openWorld(scope, plan.delayMs);
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
  if (options.json) writeText(options.json, `${JSON.stringify(result, null, 2)}\n`);
  if (options.svg) writeText(options.svg, toSvg(result));
  return result.faults.length > 0 ? 1 : 0;
}

runCommand(main);
