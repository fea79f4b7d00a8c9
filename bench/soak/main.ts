import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Client, Connection } from '@temporalio/client';
import { JobClient } from '../../src/client';
import { type Stack, startStack } from '../../src/dev/stack';
import { findFreePort } from '../../src/dev/temporal';
import { GatewayClient } from '../../src/gateway-client';
import { openStore } from '../../src/store/open';
import { createRng } from '../../test/sim/rng';
import { Book } from './book';
import { callerOf } from './caller';
import { type Growth, GrowthWatch } from './growth';
import { killWorkers, SPARED } from './kills';
import { LedgerReader } from './ledger';
import { readOptions, type SoakOptions } from './options';
import { Traffic } from './traffic';

const LINE_EVERY_MS = 10_000;
const CHECK_EVERY_MS = 30_000;
/** How long a call takes: a worker that dies hits a few in the air. */
const CALL_MS = 200;
/** npm passes on the Ctrl-C that the terminal has sent already: two of them this close are one. */
const SAME_CTRL_C_MS = 1_000;

/** What a soak came to. */
interface Verdict {
  minutes: number;
  kills: number;
  sums: Book['sums'];
  violations: Book['violations'];
  growth: Growth[];
}

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
function stopSignal(ms: number, failed: Promise<unknown>): AbortSignal {
  const stop = new AbortController();
  setTimeout(() => stop.abort(), ms).unref();
  let first = 0;
  const interrupt = () => {
    if (first && performance.now() - first > SAME_CTRL_C_MS) process.exit(130);
    if (first) return;
    first = performance.now();
    console.error('Stopping: jobs under way end first; Ctrl-C again ends it at once.');
    stop.abort();
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, interrupt);
  void failed.then(() => stop.abort());
  return stop.signal;
}

async function soak(options: SoakOptions, stack: Stack): Promise<Verdict> {
  const store = await openStore(stack.storeUrl);
  const connection = await Connection.connect({ address: stack.temporalAddress });
  const gateway = new GatewayClient({ url: stack.gatewayUrl! });
  const book = new Book(store, new LedgerReader(stack.offline!.ledgerFile));
  const jobs = new JobClient({ client: new Client({ connection }), store });
  const callers = [
    callerOf(jobs, book, 'a client'),
    callerOf(new JobClient({ client: new Client({ connection }), store }), book, 'another client'),
    callerOf(gateway, book, 'the gateway'),
  ];
  const rng = createRng(options.seed);
  const began = performance.now();
  const minutes = () => (performance.now() - began) / 60_000;
  let failure: unknown;
  const stop = stopSignal(
    options.ms,
    stack.failed.then((reason) => (failure = reason)),
  );
  const watches = [
    new GrowthWatch('spared worker', stack.workers()[SPARED]!.pid),
    new GrowthWatch('gateway', stack.gateway()!.pid),
    new GrowthWatch('clients', process.pid),
  ];
  let kills = 0;
  const tell = setInterval(() => {
    for (const watch of watches) watch.look();
    const { jobs: checked, billed } = book.sums;
    console.error(
      `${minutes().toFixed(1)} of ${options.ms / 60_000} min: ${checked} jobs checked, ${billed} calls billed, ${kills} kills, ${book.violations.length} promises broken | ${watches.join(' | ')}`,
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
    const traffic = new Traffic(callers, book, rng).run(stop);
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
    await gateway.close();
    await connection.close();
    await store.close();
  }
  const growth = watches.flatMap((watch) => watch.growth() ?? []);
  return { minutes: minutes(), kills, sums: book.sums, violations: book.violations, growth };
}

/** Prints what came of it; true where every promise was kept. */
function report({ minutes, kills, sums, violations, growth }: Verdict): boolean {
  const { jobs, completed, recovered, rerun, billed } = sums;
  console.log(
    `${minutes.toFixed(1)} minutes, ${kills} workers killed\n${jobs} jobs: ${completed} completed, ${recovered} of them recovered; ${billed} calls billed, ${rerun} jobs rerun by an operator`,
  );
  for (const { name, early, late } of growth) {
    console.log(`${name}: ${early.rssMb} to ${late.rssMb} MB, ${early.handles} to ${late.handles} handles`);
  }
  const isPaidOnce = billed >= completed && billed <= jobs + rerun;
  for (const { promise, sentence } of violations.slice(0, 50))
    console.log(`BROKEN (${promise}): ${sentence}`);
  if (!isPaidOnce) console.log(`BROKEN (one call): ${billed} calls for ${jobs} jobs with ${rerun} reruns.`);
  const isKept = violations.length === 0 && isPaidOnce;
  console.log(isKept ? 'Every promise was kept.' : `${violations.length} promises were broken.`);
  return isKept;
}

async function main(): Promise<void> {
  const options = readOptions(process.argv);
  const dataDir = mkdtempSync(join(tmpdir(), 'soak-'));
  try {
    const stack = await startSoakStack(dataDir, options, await findFreePort());
    let verdict: Verdict;
    try {
      verdict = await soak(options, stack);
    } finally {
      await stack.stop();
    }
    const isKept = report(verdict);
    const machine = { cpu: cpus()[0]?.model, cores: cpus().length, node: process.version };
    const told = { date: new Date().toISOString(), machine, options, isKept, ...verdict };
    if (options.json) writeFileSync(options.json, `${JSON.stringify(told, null, 2)}\n`);
    process.exitCode = isKept ? 0 : 1;
  } finally {
    rmSync(dataDir, { recursive: true, force: true });
  }
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
