// A worker process of the built code that dies at a named point: CRASH_AT, CRASH_HOW, CRASH_TIMES. All else
// is the product's own environment. It says `serves QUEUE` when it polls, and serves one more queue for each
// line `QUEUE STORE_URL` on stdin. It ends well after SIGTERM, and dies with its parent.
// The product knows nothing of these points: store, provider and activities are wrapped here.
// CRASH_MAX_PAGES is a disk that is full at so many pages of SQLite's; CRASH_CLOCK_MS sets this process's clock
// so far ahead.
import { writeSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Context } from '@temporalio/activity';
import type { ActivityInboundCallsInterceptor, NativeConnection, Worker } from '@temporalio/worker';
import type { Logger } from 'pino';
import type { Config } from '../../src/config';
import type { ResultStore } from '../../src/store/store';
import type { JobActivities } from '../../src/workflows/contract';
import {
  codecWithPoint,
  failpoint,
  type Reach,
  withActivityPoints,
  withProviderPoints,
  withStorePoints,
} from './crash-decorate';
import type { CrashHow } from './crash-points';

const fromDist = <T>(path: string): T => require(join(__dirname, '..', '..', 'dist', path)) as T;
const { loadTemporalOptions } = fromDist<typeof import('../../src/client/connect')>('client/connect');
const { loadConfig } = fromDist<typeof import('../../src/config')>('config');
const { createLogger } = fromDist<typeof import('../../src/log')>('log');
const { openSqliteStore } = fromDist<typeof import('../../src/store/sqlite')>('store/sqlite');
const { createJobWorker } = fromDist<typeof import('../../src/worker/create')>('worker/create');
const { openParts, workerOptions } = fromDist<typeof import('../../src/worker/run')>('worker/run');
const { connectWorker, installRuntime } =
  fromDist<typeof import('../../src/worker/runtime')>('worker/runtime');

/** A frozen process keeps its polls, and Temporal hands it what comes next: so it has as few as can be. */
const FEW_POLLS = {
  maxConcurrentActivityTaskExecutions: 1,
  maxCachedWorkflows: 0,
  maxConcurrentWorkflowTaskPolls: 1,
};

async function main(): Promise<void> {
  setClock(Number(process.env.CRASH_CLOCK_MS ?? 0));
  const config = loadConfig(process.env);
  const log = createLogger(config.logLevel);
  installRuntime(log, config.metrics);
  const { namespace, ...temporal } = loadTemporalOptions();
  const connection = await connectWorker({ namespace, ...temporal });
  const workers: Worker[] = [];
  const serve = async (taskQueue: string, storeUrl: string) => {
    const worker = await makeWorker({ connection, namespace }, { ...config, taskQueue, storeUrl }, log);
    workers.push(worker);
    const running = worker.run();
    writeSync(1, `serves ${taskQueue}\n`);
    await running;
  };
  process.once('SIGTERM', () => {
    for (const worker of workers) worker.shutdown();
  });
  const orders = createInterface(process.stdin);
  orders.on('line', (order) => serve(...(order.split(' ') as [string, string])).catch(fail));
  orders.once('close', () => process.kill(process.pid, 'SIGKILL'));
  await serve(config.taskQueue, config.storeUrl!);
  process.exit(0);
}

/** As the product makes it, with the points laid over its parts. */
async function makeWorker(
  temporal: { connection: NativeConnection; namespace?: string },
  config: Config,
  log: Logger,
): Promise<Worker> {
  const { CRASH_AT, CRASH_HOW = 'kill', CRASH_TIMES = '1' } = process.env;
  const reach = failpoint(CRASH_AT, CRASH_HOW as CrashHow, Number(CRASH_TIMES));
  const parts = await openParts(config);
  const options = workerOptions(config, log, temporal, {
    ...parts,
    store: withStorePoints(await limited(parts.store, config.storeUrl!), reach),
    provider: withProviderPoints(parts.provider, reach),
  });
  return createJobWorker({
    ...options,
    worker: {
      interceptors: { activity: [(context) => ({ inbound: inboundPoints(context, reach) })] },
      dataConverter: { payloadCodecs: [codecWithPoint(reach)] },
      ...(CRASH_HOW === 'stop' && FEW_POLLS),
    },
  });
}

/** Lays the points of the activities over those that the product has given to its worker. */
function inboundPoints({ info }: Context, reach: Reach): ActivityInboundCallsInterceptor {
  return {
    execute(input, next) {
      const own = { [info.activityType]: () => next(input) } as unknown as JobActivities;
      const laidOver = withActivityPoints(own, reach)[info.activityType as keyof JobActivities];
      return laidOver(input.args[0] as never);
    },
  };
}

/** The same store on a disk that is full where CRASH_MAX_PAGES says so. */
async function limited(store: ResultStore, url: string): Promise<ResultStore> {
  const { CRASH_MAX_PAGES } = process.env;
  if (!CRASH_MAX_PAGES) return store;
  await store.close();
  return openSqliteStore(url.slice('sqlite:'.length), { maxPages: Number(CRASH_MAX_PAGES) });
}

function setClock(aheadMs: number): void {
  const now = Date.now;
  Date.now = () => now() + aheadMs;
}

function fail(error: Error): never {
  writeSync(2, `${error?.stack ?? error}\n`);
  process.exit(1);
}

main().catch(fail);
