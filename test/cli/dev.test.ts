import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { billedCalls } from '../../src/dev/offline';
import { findFreePort } from '../../src/dev/temporal';
import { until } from '../dev/until';
import { film, type Running, records, startCli } from './support';

const root = mkdtempSync(join(tmpdir(), 'infer-once-dev-'));
afterAll(() => rmSync(root, { recursive: true }));

let running: Running | undefined;
afterEach(async () => {
  running?.process.kill('SIGKILL');
  await running?.ended;
});

/** A folder of its own and a `dev` in it; resolves with its line when it is ready. */
async function startDev(...args: string[]) {
  const cwd = mkdtempSync(join(root, 'dev-'));
  const port = String(await findFreePort());
  const gateway = String(await findFreePort());
  const env = { INFER_ONCE_SHUTDOWN_GRACE: '1s' };
  running = startCli(['dev', '--headless', '--temporal-port', port, '--gateway-port', gateway, ...args], {
    cwd,
    env,
  });
  const ready = await running.line('stdout', 'ready');
  return { cwd, ready, running, address: `127.0.0.1:${port}`, gateway: `http://127.0.0.1:${gateway}` };
}

/** Ports that nobody else uses, as flags. */
async function twoPorts(): Promise<string[]> {
  const [temporal, gateway] = [await findFreePort(), await findFreePort()];
  return ['--temporal-port', String(temporal), '--gateway-port', String(gateway)];
}

/** Every process below this one. */
function descendants(pid: number): number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
    .split(' ')
    .filter(Boolean)
    .map(Number);
  return children.flatMap((child) => [child, ...descendants(child)]);
}

function isAlive(pid: number): boolean {
  try {
    // a zombie has ended
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

function workersOf(pid: number): number[] {
  return descendants(pid).filter((child) =>
    readFileSync(`/proc/${child}/cmdline`, 'utf8').includes('\0worker\0'),
  );
}

// The processes are looked at where Linux shows them.
if (process.platform === 'linux') {
  test('it is ready when every part answers, commands find it, and one Ctrl-C ends all of it with 0', async () => {
    const { cwd, ready, running, address, gateway } = await startDev('--workers', '2');
    expect(ready).toContain(`gateway ${gateway}`);
    expect(ready).toContain(`Temporal ${address}`);
    expect(ready).toContain('2 workers');
    expect(ready).toContain('offline stand-in');
    const run = await startCli(['run', ...film('film-1', 'alien (1979)')], { cwd }).ended;
    expect(run.code).toBe(0);
    expect(records(run.stdout)).toEqual([{ normalized_title: 'Alien (1979)', category: 'Science Fiction' }]);

    const second = await startCli(['dev', '--headless'], { cwd }).ended;
    expect(second.code).toBe(2);
    expect(second.stderr).toContain('runs in .infer-once already');

    const parts = descendants(running.process.pid!);
    // Temporal, the offline model, the gateway and two workers
    expect(parts.length).toBe(5);
    running.process.kill('SIGINT');
    expect((await running.ended).code).toBe(0);
    expect(parts.filter(isAlive)).toEqual([]);
    expect(existsSync(join(cwd, '.infer-once', 'dev.json'))).toBe(false);
  });

  test('a worker that dies is replaced, and the job that it was at goes on without a second call', async () => {
    const { cwd, running } = await startDev();
    const [worker] = workersOf(running.process.pid!);
    process.kill(worker!, 'SIGKILL');
    await running.line('stderr', `infer-once: Worker ${worker} ended (SIGKILL)`);
    const run = await startCli(['run', ...film('film-1', 'alien')], { cwd }).ended;
    expect(run.code).toBe(0);
    const [other] = workersOf(running.process.pid!);
    expect(other).not.toBe(worker);
    expect(billedCalls(join(cwd, '.infer-once', 'offline-ledger.jsonl')).get('film-1')).toBe(1);
  });

  test('a gateway that dies is replaced, and the job that was waited for there is answered', async () => {
    const { cwd, running, gateway } = await startDev();
    const put = () =>
      fetch(`${gateway}/v1/jobs/film-1?wait=30`, {
        method: 'PUT',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ task: 'enrich', input: { title: 'alien' } }),
      });
    expect((await put()).status).toBe(200);
    const [pid] = descendants(running.process.pid!).filter((child) =>
      readFileSync(`/proc/${child}/cmdline`, 'utf8').includes('\0gateway\0'),
    );
    process.kill(pid!, 'SIGKILL');
    await running.line('stderr', `infer-once: Gateway ${pid} ended (SIGKILL)`);
    await until(async () => (await put().catch(() => null))?.headers.get('idempotent-replayed') === 'true');
    expect(billedCalls(join(cwd, '.infer-once', 'offline-ledger.jsonl')).get('film-1')).toBe(1);
  });

  test('records and workflows outlive it: the next one answers without a call', async () => {
    const { cwd, running } = await startDev();
    await startCli(['run', ...film('film-1', 'alien')], { cwd }).ended;
    running.process.kill('SIGTERM');
    expect((await running.ended).code).toBe(0);
    const status = await startCli(['run', ...film('film-1', 'alien')], { cwd }).ended;
    expect(status.code).toBe(0);
    expect(billedCalls(join(cwd, '.infer-once', 'offline-ledger.jsonl')).get('film-1')).toBe(1);
  });

  test('the offline model killed: dev ends, names it, and leaves nothing running', async () => {
    const { running } = await startDev();
    const parts = descendants(running.process.pid!);
    const model = parts.find((pid) =>
      readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('/offline/main.js'),
    );
    process.kill(model!, 'SIGKILL');
    const { code, stderr } = await running.ended;
    expect(stderr).toContain('The offline model ended by itself');
    expect(code).toBe(6);
    expect(parts.filter(isAlive)).toEqual([]);
  });

  test('two that start in one folder at the same instant: one is ready, the other says so and starts nothing', async () => {
    const cwd = mkdtempSync(join(root, 'dev-'));
    const ports = [await twoPorts(), await twoPorts()];
    const both = ports.map((flags) => startCli(['dev', '--headless', ...flags], { cwd }));
    const first = await Promise.any(both.map((dev) => dev.line('stdout', 'ready').then(() => dev)));
    running = first;
    const { code, stderr } = await both.find((dev) => dev !== first)!.ended;
    expect({ code, stderr }).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('runs in .infer-once already'),
    });
  });

  test('a file that a killed one left behind, with a process id in use again, is no hindrance', async () => {
    const cwd = mkdtempSync(join(root, 'dev-'));
    mkdirSync(join(cwd, '.infer-once'));
    writeFileSync(join(cwd, '.infer-once', 'dev.json'), JSON.stringify({ pid: process.pid }));
    running = startCli(['dev', '--headless', ...(await twoPorts())], { cwd });
    expect(await running.line('stdout', 'ready')).toContain('offline stand-in');
  });

  test('killed, it leaves nothing running behind', async () => {
    const { running } = await startDev();
    const parts = descendants(running.process.pid!);
    expect(parts.length).toBe(4);
    running.process.kill('SIGKILL');
    await until(() => !parts.some(isAlive));
  });
}

test('a port in use is named with its flag, before anything is started', async () => {
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  const { port } = taken.address() as { port: number };
  const free = String(await findFreePort());
  const cwd = mkdtempSync(join(root, 'taken-'));
  const temporal = await startCli(['dev', '--temporal-port', String(port)], { cwd }).ended;
  expect(temporal).toMatchObject({
    code: 2,
    stderr: `infer-once: Port ${port} for the Temporal server is in use; stop what listens there or choose another with --temporal-port.\n`,
  });
  const ui = await startCli(['dev', '--temporal-port', free, '--ui-port', String(port)], { cwd }).ended;
  expect(ui.code).toBe(2);
  expect(ui.stderr).toContain('choose another with --ui-port.');
  const flags = ['--headless', '--temporal-port', free, '--gateway-port', String(port)];
  const gateway = await startCli(['dev', ...flags], { cwd }).ended;
  expect(gateway).toMatchObject({
    code: 2,
    stderr: `infer-once: Port ${port} for the gateway is in use; stop what listens there or choose another with --gateway-port.\n`,
  });
  taken.close();
});

test('workers that can not start end it with their own sentence', async () => {
  const cwd = mkdtempSync(join(root, 'wrong-'));
  writeFileSync(join(cwd, '.env'), 'OPENAI_API_KEY="a b"\n');
  const args = ['dev', '--headless', ...(await twoPorts())];
  const wrong = await startCli(args, { cwd }).ended;
  expect(wrong).toMatchObject({ code: 2, stdout: '' });
  expect(wrong.stderr).toMatch(/^infer-once: OPENAI_API_KEY holds [^\n]+\n$/);
});
