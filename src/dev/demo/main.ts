import { CommanderError } from 'commander';
import { ConfigError, UserError } from '../../errors';
import { closeEnvironment } from './environment';
import { verdict } from './figures';
import { Interrupted, orInterrupted, takeInterrupts } from './interrupt';
import { concurrencyFor } from './kill-in-mid-call';
import { confirmLive, type LiveProvider } from './live';
import { type DemoOptions, readOptions } from './options';
import { type RunReport, runDemo } from './run';
import { callsOtherwise, formatFigures, formatStory } from './summary';
import { startWorld, type World } from './world';

const OFFLINE_WAIT_MS = 120_000;
/** Recovery alone may ask the provider for two minutes. */
const LIVE_WAIT_MS = 600_000;

const say = (line: string) => void process.stderr.write(`${line}\n`);

/** Runs the demo. @returns the exit code */
async function main(): Promise<number> {
  const options = readOptions(process.argv);
  const signal = takeInterrupts();
  closeEnvironment(process.env, options.live);
  const live = options.live ? await confirmLive(options, signal) : null;
  if (options.live && !live) {
    say('Nothing was called.');
    return 1;
  }
  say(`Starting Temporal, two workers and ${live ? 'the clients' : 'the offline stand-in for a model'} …`);
  const concurrency = concurrencyFor(options.jobs);
  const sayWait = () => say('\nStopping, as soon as all parts are up (Ctrl-C again ends at once) …');
  signal.addEventListener('abort', sayWait);
  const world = await startWorld({ concurrency, live: options.live, withUi: options.keep });
  signal.removeEventListener('abort', sayWait);
  let keepsData = false;
  try {
    signal.throwIfAborted();
    const report = await showRun(world, options, live, signal);
    keepsData = options.keep || !report.isWell;
    if (options.keep) await keepUp(world, signal);
    return report.isWell ? 0 : 1;
  } catch (error) {
    // what fails while the parts are being ended is no fault
    signal.throwIfAborted();
    keepsData = true;
    throw error;
  } finally {
    if (signal.aborted) say('Stopping …');
    await world.stop();
    if (!keepsData) world.removeData();
    else say(`Data and logs stay in ${world.dataDir}`);
  }
}

async function showRun(
  world: World,
  options: DemoOptions,
  live: LiveProvider | null,
  signal: AbortSignal,
): Promise<{ isWell: boolean }> {
  const { jobs, json } = options;
  const kill = live?.canRecover ?? true;
  const pids = world.stack.workers().map(({ pid }) => pid);
  say(`Workers ${pids.join(' and ')} are ready; the model is ${live ? live.host : 'the offline stand-in'}.`);
  if (world.stack.uiUrl) say(`Temporal UI: ${world.stack.uiUrl}`);
  say(`Submitting ${jobs} film titles, each three times at once, from two client processes.`);
  const plan = {
    jobs,
    concurrency: concurrencyFor(jobs),
    kill,
    timeoutMs: live ? LIVE_WAIT_MS : OFFLINE_WAIT_MS,
  };
  const report = await runDemo(world, plan, signal);
  const differences = verdict(report.figures, kill && !live);
  if (json) process.stdout.write(`${JSON.stringify(toJson(report, differences, live))}\n`);
  else process.stdout.write(`\n${formatFigures(report)}\n\n`);
  const isWell = differences.length === 0;
  if (isWell && !json) process.stdout.write(`${formatStory({ ...report, isStandIn: !live })}\n`);
  if (!isWell) {
    for (const sentence of [...differences, ...report.unanswered]) say(sentence);
    say(`This is not as promised; what the processes logged is in ${world.logFile}`);
  }
  return { isWell };
}

function toJson({ figures, kill, unanswered }: RunReport, differences: string[], live: LiveProvider | null) {
  const { violations, ...numbers } = figures;
  return {
    ok: differences.length === 0,
    ...numbers,
    calls_otherwise: callsOtherwise({ figures }),
    provider: live?.host ?? 'offline stand-in',
    killed_with_calls: kill?.calls ?? null,
    differences: [...differences, ...unanswered],
  };
}

async function keepUp({ stack, dataDir }: World, signal: AbortSignal): Promise<void> {
  say(
    [
      '',
      `Everything stays up until Ctrl-C. Look at the runs in Temporal UI: ${stack.uiUrl}`,
      `From another terminal: npx infer-once list --data-dir ${dataDir}`,
    ].join('\n'),
  );
  try {
    const fault = await orInterrupted(stack.failed, signal);
    throw fault;
  } catch (error) {
    // the run is over: to end it here is what it was kept up for
    if (!(error instanceof Interrupted)) throw error;
  }
}

/** Says in one sentence what went wrong. @returns the exit code */
function fail(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  if (error instanceof Interrupted) return error.exitCode;
  if ((error as Error).name === 'AbortError') return 130;
  if (error instanceof UserError) say(error.message);
  else say(`This should not happen; please report it. ${(error as Error).stack}`);
  return error instanceof ConfigError ? 2 : 1;
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => process.exit(fail(error)),
);
