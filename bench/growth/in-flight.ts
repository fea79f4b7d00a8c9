import { JobClient } from '../../src/client';
import { type Stack, startStack } from '../../src/dev/stack';
import { findFreePort } from '../../src/dev/temporal';
import { openStore } from '../../src/store/open';
import { percentile } from '../report/statistics';
import { openClient } from '../support/open-client';
import { usageOf } from '../support/process-usage';
import type { Scope } from '../support/scope';
import { jobAt } from './records';

/** What a fresh job costs with so many in flight. */
export interface InFlightCost {
  inFlight: number;
  jobs: number;
  perSecond: number;
  /** From `run` to its answer. */
  p50Ms: number;
  p99Ms: number;
  /** Processor time of the worker and of this client, a job. */
  workerCpuMs: number;
  clientCpuMs: number;
  /** Resident memory of the worker at the end. */
  workerMb: number;
  /** The longest that the worker's event loop stood still: a lease has to outlast it. */
  workerStallMs: number;
}

/** How long the stand-in takes for a call. */
const CALL_MS = 50;
const LEAST_JOBS = 60;

/**
 * Measures on a stack of its own: Temporal's dev server, one worker, a SQLite store, the stand-in with a call of 50 ms.
 *
 * @param levels - how many jobs are in flight at once, from few to many
 * @param tell - told after each level
 */
export async function measureInFlight(
  scope: Scope,
  levels: readonly number[],
  tell: (cost: InFlightCost) => void,
): Promise<InFlightCost[]> {
  // the worker's own limit would be measured otherwise
  const concurrency = String(Math.max(100, ...levels));
  const metricsPort = await findFreePort();
  const starting = startStack({
    dataDir: scope.folder('bench-growth-'),
    temporalPort: await findFreePort(),
    headless: true,
    offline: { delayMs: CALL_MS },
    env: {
      INFER_ONCE_CONCURRENCY: concurrency,
      INFER_ONCE_LOG_LEVEL: 'error',
      INFER_ONCE_METRICS_PORT: String(metricsPort),
    },
    onWorkerLine: () => undefined,
  });
  const stack = await scope.open(starting, (up) => up.stop());
  const store = await scope.open(openStore(stack.storeUrl), (open) => open.close());
  const jobs = new JobClient({ client: await openClient(stack.temporalAddress), store });
  await runLevel(jobs, 1, 20, 'warm-up');
  const costs: InFlightCost[] = [];
  for (const inFlight of levels) {
    const cost = await measureLevel({ stack, jobs, metricsPort }, inFlight);
    tell(cost);
    costs.push(cost);
  }
  return costs;
}

interface Bench {
  stack: Stack;
  jobs: JobClient;
  metricsPort: number;
}

async function measureLevel({ stack, jobs, metricsPort }: Bench, inFlight: number): Promise<InFlightCost> {
  const worker = stack.workers()[0]!.pid;
  const number = Math.max(LEAST_JOBS, inFlight * 2);
  // it is the longest since it was asked for last
  await stallOf(metricsPort);
  const [workerBefore, clientBefore, began] = [usageOf(worker), process.cpuUsage(), performance.now()];
  const took = await runLevel(jobs, inFlight, number, `level-${inFlight}`);
  const seconds = (performance.now() - began) / 1000;
  const { user, system } = process.cpuUsage(clientBefore);
  const workerAfter = usageOf(worker);
  return {
    inFlight,
    jobs: number,
    perSecond: number / seconds,
    p50Ms: percentile(took, 0.5),
    p99Ms: percentile(took, 0.99),
    workerCpuMs: ((workerAfter?.cpuMs ?? Number.NaN) - (workerBefore?.cpuMs ?? 0)) / number,
    clientCpuMs: (user + system) / 1000 / number,
    workerMb: workerAfter?.rssMb ?? Number.NaN,
    workerStallMs: await stallOf(metricsPort),
  };
}

/** By the worker's own metrics. */
async function stallOf(metricsPort: number): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text();
  return Number(/^nodejs_eventloop_lag_max_seconds (\S+)/m.exec(text)?.[1]) * 1000;
}

/** Runs so many fresh jobs, so many at once; gives how long each took. */
async function runLevel(jobs: JobClient, inFlight: number, number: number, name: string): Promise<number[]> {
  const took: number[] = [];
  let next = 0;
  const lane = async () => {
    while (next < number) {
      const n = next;
      next += 1;
      const began = performance.now();
      await jobs.run({ ...jobAt(n), job_id: `${name}-${n}` });
      took.push(performance.now() - began);
    }
  };
  await Promise.all(Array.from({ length: inFlight }, lane));
  return took;
}
