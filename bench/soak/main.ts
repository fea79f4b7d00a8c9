import { setTimeout as delay } from 'node:timers/promises';
import { JobClient } from '../../src/client';
import { type Interrupted, orInterrupted } from '../../src/dev/demo/interrupt';
import { type Stack, startStack } from '../../src/dev/stack';
import { findFreePort } from '../../src/dev/temporal';
import { GatewayClient } from '../../src/gateway-client';
import { openStore } from '../../src/store/open';
import { createRng } from '../../test/sim/rng';
import { openClient } from '../support/open-client';
import { runCommand, writeFigures } from '../support/run-command';
import type { Scope } from '../support/scope';
import { after } from './after';
import { Book } from './book';
import { callerOf } from './caller';
import { GrowthWatch } from './growth';
import { killWorkers, SPARED } from './kills';
import { LedgerReader } from './ledger';
import { readOptions, type SoakOptions } from './options';
import { Traffic } from './traffic';
import { linesOf, type Outcome, verdictOf } from './verdict';

const LINE_EVERY_MS = 10_000;
const CHECK_EVERY_MS = 30_000;
/** How long a call takes: a worker that dies hits a few in the air. */
const CALL_MS = 200;
function startSoakStack(dataDir: string, { workers, recovery }: SoakOptions, port: number): Promise<Stack> {
  return startStack({
    dataDir,
    temporalPort: port,
    headless: true,
    gatewayPort: 0,
    workers,
    offline: { delayMs: CALL_MS },
    env: {
      INFER_ONCE_RECOVERY: recovery,
      // a dead worker is missed soon, so that many can die
      INFER_ONCE_LEASE: '3s',
      INFER_ONCE_HEARTBEAT_TIMEOUT: '2s',
      INFER_ONCE_CALL_TIMEOUT: '10s',
      INFER_ONCE_SETTLE: '4s',
      INFER_ONCE_LOG_LEVEL: 'error',
    },
    onWorkerLine: () => undefined,
  });
}

/** Aborts when the time is over, at the first Ctrl-C, or when a part has ended; a second Ctrl-C ends all. */
function stopSignal(ms: number, interrupt: AbortSignal, failed: Promise<unknown>): AbortSignal {
  const stop = new AbortController();
  after(ms, () => stop.abort());
  const interrupted = () => {
    console.error('Stopping: jobs under way end first; Ctrl-C again ends it at once.');
    stop.abort();
  };
  if (interrupt.aborted) interrupted();
  else interrupt.addEventListener('abort', interrupted);
  void failed.then(() => stop.abort());
  return stop.signal;
}

async function soak(
  scope: Scope,
  options: SoakOptions,
  stack: Stack,
  interrupt: AbortSignal,
): Promise<Outcome> {
  const store = await scope.open(openStore(stack.storeUrl), (open) => open.close());
  const gateway = new GatewayClient({ url: stack.gatewayUrl! });
  scope.atEnd(() => gateway.close());
  const book = new Book(store, new LedgerReader(stack.offline!.ledgerFile));
  const client = await openClient(stack.temporalAddress);
  const jobs = new JobClient({ client, store });
  const callers = [
    callerOf(jobs, book, 'a client'),
    callerOf(new JobClient({ client, store }), book, 'another client'),
    callerOf(gateway, book, 'the gateway'),
  ];
  const rng = createRng(options.seed);
  const began = performance.now();
  const minutes = () => (performance.now() - began) / 60_000;
  let failure: unknown;
  const stop = stopSignal(
    options.ms,
    interrupt,
    stack.failed.then((reason) => (failure = reason)),
  );
  let lasted = 0;
  stop.addEventListener('abort', () => {
    lasted = minutes();
  });
  const watches = [
    new GrowthWatch('spared worker', stack.workers()[SPARED]!.pid),
    new GrowthWatch('gateway', stack.gateway()!.pid),
    new GrowthWatch('clients', process.pid),
  ];
  let kills = 0;
  const tell = setInterval(() => {
    for (const watch of watches) watch.look();
    const { jobs: wanted, billed } = book.sums;
    console.error(
      `${minutes().toFixed(1)} of ${options.ms / 60_000} min: ${wanted} jobs, ${billed} calls billed at the last check, ${kills} kills, ${book.violations.length} promises broken | ${watches.join(' | ')}`,
    );
  }, LINE_EVERY_MS);
  try {
    const dying = killWorkers(stack, {
      everyMs: options.killEveryMs,
      rng: createRng(options.seed + 1),
      stop,
      tell: () => {
        kills += 1;
      },
    });
    const traffic = new Traffic(callers, book, rng).run(options.inFlight, stop);
    const checking = (async () => {
      while (!stop.aborted) {
        await delay(CHECK_EVERY_MS, undefined, { signal: stop }).catch(() => undefined);
        await book.check();
      }
    })();
    const all = Promise.all([traffic, dying, checking]);
    const ended = new Promise<never>((_, reject) => stack.failed.then(reject));
    await Promise.race([all, ended]);
    await stack.offline!.waitForState(({ in_flight }) => in_flight.length === 0, 60_000);
    await book.check({ all: true });
    if (failure) throw failure;
  } finally {
    clearInterval(tell);
  }
  return {
    minutes: lasted,
    askedMinutes: options.ms / 60_000,
    kills,
    sums: book.sums,
    violations: book.violations,
    growth: watches.map((watch) => ({ name: watch.name, growth: watch.growth() })),
  };
}

async function main(scope: Scope, interrupt: AbortSignal): Promise<number> {
  const options = readOptions(process.argv);
  const starting = startSoakStack(scope.folder('soak-'), options, await findFreePort());
  const stack = await orInterrupted(
    scope.open(starting, (up) => up.stop()),
    interrupt,
  );
  const outcome = await soak(scope, options, stack, interrupt);
  const verdict = verdictOf(outcome);
  console.log(linesOf(outcome).join('\n'));
  if (options.json) writeFigures(options.json, { options, verdict, ...outcome });
  if (verdict.shown === 'stopped early' && interrupt.aborted)
    return (interrupt.reason as Interrupted).exitCode;
  return verdict.shown === 'kept' ? 0 : 1;
}

runCommand(main);
