import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { startStack } from '../../src/dev/stack';
import { findFreePort } from '../../src/dev/temporal';
import { type GatewayProcess, spawnGateway } from '../support/gateway-process';
import { type Load, loadReplay, type Replay } from './replays';
import { memoryAtRest, openWaiters } from './waiting';

const count = (text: string) => Number.parseInt(text, 10);
const options = new Command('bench:gateway')
  .description(
    'Measures a gateway process on this machine, beside the load: replays of a completed job, and the memory of requests that wait.',
  )
  .option('--seconds <n>', 'how long each route is measured', count, 10)
  .option('--connections <n>', 'how many send at once', count, 64)
  .option('--waiting <n>', 'how many requests wait at once', count, 10_000)
  .option('--json <file>', 'write the figures there')
  .addHelpText('after', '\nExample:\n  npm run bench:gateway -- --seconds 5 --json gateway.json')
  .parse()
  .opts<{ seconds: number; connections: number; waiting: number; json?: string }>();

const input = { title: 'alien (1979)' };
const REPLAYS: Replay[] = [
  { route: 'PUT /v1/jobs/{id}', method: 'PUT', path: '/v1/jobs/done', body: { task: 'enrich', input } },
  { route: 'GET /v1/jobs/{id}', method: 'GET', path: '/v1/jobs/done' },
  {
    route: 'POST /v1/chat/completions',
    method: 'POST',
    path: '/v1/chat/completions',
    headers: { 'idempotency-key': 'chat' },
    body: { model: 'gpt-6-luna', messages: [{ role: 'user', content: 'Who are you?' }] },
  },
];

/** A submission of its own, waited for: what the load replays. */
async function settle(url: string, { method, path, headers, body }: Replay): Promise<void> {
  const response = await fetch(`${url}${path}${path.startsWith('/v1/jobs/') ? '?wait=60' : ''}`, {
    method,
    headers: { ...headers, 'content-type': 'application/json' },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  if (response.status !== 200) throw new Error(`${path} answered ${response.status}`);
  await response.arrayBuffer();
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
  answered: number;
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
  return { waiting: options.waiting, jobs, idleMb, waitingMb, answered: await waiters.answered };
}

async function main(): Promise<void> {
  const dataDir = mkdtempSync(join(tmpdir(), 'bench-gateway-'));
  const stack = await startStack({
    dataDir,
    temporalPort: await findFreePort(),
    headless: true,
    offline: {},
    onWorkerLine: () => undefined,
  });
  const loads: Load[] = [];
  const memory: Memory[] = [];
  try {
    const env = { ...process.env, ...stack.env, INFER_ONCE_GATEWAY_MAX_WAITING: String(options.waiting) };
    const measured = await spawnGateway(env);
    for (const replay of REPLAYS) await settle(measured.url, replay);
    for (const replay of REPLAYS) {
      const load = await loadReplay(measured, replay, options);
      loads.push(load);
      console.error(
        `${load.route}: ${Math.round(load.perSecond)} a second, p50 ${load.p50Ms} ms, p99 ${load.p99Ms} ms, ${load.cpuUs} µs of CPU each, ${load.faults} faults`,
      );
    }
    await measured.stop();
    for (const jobs of [1, Math.min(1_000, options.waiting)]) {
      await stack.offline!.rules({ do: { hold: true } });
      const gateway = await spawnGateway(env);
      const found = await measureWaiting(gateway, jobs, async () => {
        await stack.offline!.rules();
        await stack.offline!.release();
      });
      memory.push(found);
      console.error(
        `${found.waiting} requests wait for ${found.jobs} jobs: ${Math.round(found.waitingMb)} MB (idle ${Math.round(found.idleMb)} MB); ${found.answered} answered 200`,
      );
      await gateway.stop();
    }
  } finally {
    await stack.stop();
    rmSync(dataDir, { recursive: true, force: true });
  }
  const machine = { cpu: cpus()[0]?.model, cores: cpus().length, node: process.version };
  const figures = { date: new Date().toISOString(), machine, options, loads, memory };
  if (options.json) writeFileSync(options.json, `${JSON.stringify(figures, null, 2)}\n`);
  else console.log(JSON.stringify(figures, null, 2));
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
