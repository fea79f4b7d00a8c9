import { orInterrupted } from '../../src/dev/demo/interrupt';
import { type Stack, startStack } from '../../src/dev/stack';
import { findFreePort } from '../../src/dev/temporal';
import { type GatewayProcess, spawnGateway } from '../support/gateway-process';
import { benchCommand, outputFile, wholeNumber } from '../support/options';
import { runCommand, writeFigures } from '../support/run-command';
import type { Scope } from '../support/scope';
import { JOBS, type Load, loadReplay, type Replay } from './replays';
import { memoryAtRest, openWaiters } from './waiting';

/** How many requests the gateway lets wait. */
const CAP = 10_000;

const options = benchCommand('bench:gateway')
  .description(
    'Measures a gateway process on this machine, beside the load: replays of a completed job, and the memory of requests that wait.',
  )
  .option('--seconds <n>', 'how long each route is measured', wholeNumber(), 10)
  .option('--connections <n>', 'how many send at once', wholeNumber(1, 64), 64)
  .option(
    '--waiting <n>',
    `how many requests want to wait at once; ${CAP} are let, the others are told to come back`,
    wholeNumber(1, 15_000),
    CAP,
  )
  .option('--json <file>', 'write the figures there', outputFile)
  .addHelpText(
    'after',
    '\nExit: 0 measured, 1 it could not be, 2 usage, 130 Ctrl-C.\n\nExample:\n  npm run bench:gateway -- --seconds 5 --json gateway.json',
  )
  .parse()
  .opts<{ seconds: number; connections: number; waiting: number; json?: string }>();

const input = { title: 'alien (1979)' };
const REPLAYS: Replay[] = [
  {
    route: 'PUT /v1/jobs/{id}',
    method: 'PUT',
    of: (job) => ({ path: `/v1/jobs/done-${job}` }),
    body: { task: 'enrich', input },
  },
  { route: 'GET /v1/jobs/{id}', method: 'GET', of: (job) => ({ path: `/v1/jobs/done-${job}` }) },
  {
    route: 'POST /v1/chat/completions',
    method: 'POST',
    of: (job) => ({ path: '/v1/chat/completions', headers: { 'idempotency-key': `chat-${job}` } }),
    body: { model: 'gpt-6-luna', messages: [{ role: 'user', content: 'Who are you?' }] },
  },
];

/** Submits the jobs that the load asks for, and waits for them. */
async function settleAll(url: string, { method, of, body }: Replay): Promise<void> {
  const settle = async (job: number) => {
    const { path, headers } = of(job);
    const response = await fetch(`${url}${path}${path.startsWith('/v1/jobs/') ? '?wait=60' : ''}`, {
      method,
      headers: { ...headers, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    if (response.status !== 200) throw new Error(`${path} answered ${response.status}`);
    await response.arrayBuffer();
  };
  for (let job = 0; job < JOBS; job += 50) {
    await Promise.all(Array.from({ length: 50 }, (_, n) => settle(job + n)));
  }
}

async function startJobs(url: string, prefix: string, number: number): Promise<string[]> {
  const ids = Array.from({ length: number }, (_, n) => `${prefix}-${n}`);
  const body = JSON.stringify({ task: 'enrich', input });
  for (let at = 0; at < ids.length; at += 50) {
    const some = ids.slice(at, at + 50).map(async (id) => {
      const put = { method: 'PUT', headers: { 'content-type': 'application/json' }, body };
      await (await fetch(`${url}/v1/jobs/${id}`, put)).arrayBuffer();
    });
    await Promise.all(some);
  }
  return ids;
}

interface Memory {
  waiting: number;
  jobs: number;
  idleMb: number;
  waitingMb: number;
  /** How many were answered 200, and how many were refused by 503. */
  answered: number;
  refused: number;
}

async function measureWaiting(
  gateway: GatewayProcess,
  jobs: number,
  release: () => Promise<unknown>,
): Promise<Memory> {
  const ids = await startJobs(gateway.url, `wait-${jobs}`, jobs);
  const idleMb = gateway.memoryMb();
  const waiters = await openWaiters(gateway.url, ids, options.waiting);
  const waitingMb = await memoryAtRest(gateway);
  await release();
  const statuses = await waiters.statuses;
  const count = (status: number) => statuses.filter((one) => one === status).length;
  return { waiting: options.waiting, jobs, idleMb, waitingMb, answered: count(200), refused: count(503) };
}

/** Replays of jobs that are settled, route by route. */
async function measureReplays(scope: Scope, env: NodeJS.ProcessEnv): Promise<Load[]> {
  const loads: Load[] = [];
  const gateway = await spawnGateway(env, scope);
  // what is only read was submitted by one of the others
  for (const replay of REPLAYS) if (replay.body) await settleAll(gateway.url, replay);
  for (const replay of REPLAYS) {
    const load = await loadReplay(gateway, replay, options);
    loads.push(load);
    console.error(
      `${load.route}: ${Math.round(load.perSecond)} a second, p50 ${load.p50Ms} ms, p99 ${load.p99Ms} ms, ${load.cpuUs} µs of CPU each, ${load.faults} faults`,
    );
  }
  return loads;
}

/** Requests that wait, all for one job or spread over many. */
async function measureMemory(
  scope: Scope,
  stack: Stack,
  env: NodeJS.ProcessEnv,
  jobs: number,
): Promise<Memory> {
  await stack.offline!.rules({ do: { hold: true } });
  const gateway = await spawnGateway(env, scope);
  const found = await measureWaiting(gateway, jobs, async () => {
    await stack.offline!.rules();
    await stack.offline!.release();
  });
  console.error(
    `${found.waiting} requests wait for ${found.jobs} jobs: ${Math.round(found.waitingMb)} MB (idle ${Math.round(found.idleMb)} MB); ${found.answered} answered 200, ${found.refused} refused by 503`,
  );
  return found;
}

async function main(scope: Scope): Promise<number> {
  const starting = startStack({
    dataDir: scope.folder('bench-gateway-'),
    temporalPort: await findFreePort(),
    headless: true,
    offline: {},
    onWorkerLine: () => undefined,
  });
  const stack = await scope.open(starting, (up) => up.stop());
  const env = { ...process.env, ...stack.env, INFER_ONCE_GATEWAY_MAX_WAITING: String(CAP) };
  const loads = await scope.within((inner) => measureReplays(inner, env));
  const memory: Memory[] = [];
  for (const jobs of new Set([1, Math.min(1_000, options.waiting)]))
    memory.push(await scope.within((inner) => measureMemory(inner, stack, env, jobs)));
  writeFigures(options.json, { options, loads, memory });
  return 0;
}

runCommand((scope, stop) => orInterrupted(main(scope), stop));
