import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Connection } from '@temporalio/client';
import { UserError } from '../../errors';
import { assertPortFree, isListening } from './ports';
import { resolveTemporalBinary } from './resolve-binary';

/** How to start Temporal's dev server. */
export interface DevServerOptions {
  /** gRPC port on 127.0.0.1. */
  port: number;
  /** Port of the UI on 127.0.0.1; unused where `headless`. */
  uiPort: number;
  /** SQLite file that keeps workflows across restarts; without one they live in memory. */
  dbFilename?: string;
  /** Leave the UI out. Default false. */
  headless?: boolean;
  /** Sends the server's own log to stderr at this level. Without it the server is quiet. */
  logLevel?: 'debug' | 'info' | 'warn' | 'error' | 'never';
  /** Search attributes to register, e.g. `{ JobTask: 'Keyword' }`. */
  searchAttributes?: Readonly<Record<string, string>>;
  /** A namespace to make beside `default`. */
  namespace?: string;
  /** More of the server's dynamic configuration, e.g. `{ 'limit.historyCount.suggestContinueAsNew': 20 }`; it goes first. */
  dynamicConfig?: Readonly<Record<string, number | string>>;
}

/** A dev server that answers. */
export interface DevServer {
  /** For `TEMPORAL_ADDRESS`. */
  readonly address: string;
  /** Where people look at runs; where `headless`, an address that nothing answers. */
  readonly uiUrl: string;
  readonly pid: number;
  /** How it ended: exit code, or null where a signal ended it. */
  readonly exited: Promise<number | null>;
  /** Ends it, by force after five seconds. Calling it again is harmless. */
  stop(): Promise<void>;
}

/** Longest wait for the first answer, in milliseconds; a warm start takes under two seconds. */
const START_LIMIT_MS = 60_000;
const STOP_LIMIT_MS = 5_000;

const DYNAMIC_CONFIG: NonNullable<DevServerOptions['dynamicConfig']> = {
  // the one shard of a dev server looks at its queues 20 times a second by default: 10 jobs in flight took 1.42 times
  // as long (docs/bench.md, Settings)
  'history.transferProcessorMaxPollRPS': 2000,
  'history.timerProcessorMaxPollRPS': 2000,
  // a deleted history goes once the queues have noted how far they are: every 30 s by default, which
  // is no cheaper
  'history.transferProcessorUpdateAckInterval': '1s',
  'history.visibilityProcessorUpdateAckInterval': '1s',
  // long polls at once: with 1,200, the default, 259 of 3,000 clients that waited were refused in 90 s; now none is
  'frontend.namespaceCount': 20_000,
};

/**
 * Starts Temporal's dev server on 127.0.0.1 and resolves when it answers. On Linux it dies with this process, even by
 * SIGKILL (`setpriv --pdeathsig`); elsewhere a killed parent leaves it running.
 *
 * @throws UserError `port_in_use` before anything is spawned; `temporal_start_failed` where it does not come up;
 * TemporalBinaryError where there is no binary.
 * @example
 * const server = await startDevServer({ port: 7233, uiPort: 8233, dbFilename: '.infer-once/temporal.db' });
 */
export async function startDevServer(options: DevServerOptions): Promise<DevServer> {
  const remedy = 'stop what listens there or choose another port';
  await assertPortFree(options.port, 'the Temporal server', remedy);
  if (!options.headless) await assertPortFree(options.uiPort, 'the Temporal UI', remedy);
  const binary = await resolveTemporalBinary('cli');
  if (options.dbFilename) mkdirSync(dirname(options.dbFilename), { recursive: true });

  const { command, args } = dieWithParent(binary, serverArguments(options));
  // In a process group of its own, so that Ctrl-C reaches only the parent, which ends its parts in its own order.
  const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'pipe'], detached: true });
  const complaint = collectComplaint(child, options.logLevel !== undefined);
  const exited = new Promise<number | null>((resolve) => {
    child.once('exit', resolve).once('error', () => resolve(null));
  });
  const stop = () => stopChild(child, exited);
  const killAtExit = () => child.kill('SIGKILL');
  process.once('exit', killAtExit);
  void exited.then(() => process.off('exit', killAtExit));
  try {
    await waitForAnswer(child, options);
  } catch (cause) {
    await stop();
    throw new UserError(`Temporal's dev server did not start: ${complaint() || (cause as Error).message}.`, {
      code: 'temporal_start_failed',
      cause,
    });
  }
  const [address, uiUrl] = [`127.0.0.1:${options.port}`, `http://127.0.0.1:${options.uiPort}`];
  return { address, uiUrl, pid: child.pid!, exited, stop };
}

function serverArguments(options: DevServerOptions): string[] {
  const args = ['server', 'start-dev', '--ip', '127.0.0.1', '--port', String(options.port)];
  args.push('--log-level', options.logLevel ?? 'error');
  args.push(...(options.headless ? ['--headless'] : ['--ui-port', String(options.uiPort)]));
  for (const [name, value] of Object.entries({ ...DYNAMIC_CONFIG, ...options.dynamicConfig })) {
    args.push('--dynamic-config-value', `${name}=${JSON.stringify(value)}`);
  }
  if (options.dbFilename) {
    args.push('--db-filename', options.dbFilename);
    args.push('--sqlite-pragma', 'journal_mode=wal', '--sqlite-pragma', 'synchronous=1');
  }
  if (options.namespace) args.push('--namespace', options.namespace);
  for (const [name, type] of Object.entries(options.searchAttributes ?? {})) {
    args.push('--search-attribute', `${name}=${type}`);
  }
  return args;
}

/** `setpriv` sets the death signal and then becomes the program itself, so that pid and signals stay the same. */
function dieWithParent(binary: string, args: string[]): { command: string; args: string[] } {
  const options = ['--pdeathsig', 'KILL', '--'];
  const works = process.platform === 'linux' && spawnSync('setpriv', [...options, 'true']).status === 0;
  return works ? { command: 'setpriv', args: [...options, binary, ...args] } : { command: binary, args };
}

async function waitForAnswer(child: ChildProcess, options: DevServerOptions): Promise<void> {
  const limit = Date.now() + START_LIMIT_MS;
  const ports = options.headless ? [options.port] : [options.port, options.uiPort];
  while (Date.now() < limit) {
    if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) {
      throw new Error(`it ended at once with code ${child.exitCode ?? child.signalCode}`);
    }
    const open = await Promise.all(ports.map(isListening));
    if (open.every(Boolean) && (await answers(options))) return;
    await delay(50);
  }
  throw new Error(`it did not answer within ${START_LIMIT_MS / 1000} s`);
}

/** An open port is not enough: the namespace has to be there too, or the first call of a client fails. */
async function answers({ port, namespace = 'default' }: DevServerOptions): Promise<boolean> {
  let connection: Connection | undefined;
  try {
    connection = await Connection.connect({ address: `127.0.0.1:${port}`, connectTimeout: 2_000 });
    await connection.withDeadline(Date.now() + 2_000, () =>
      connection!.workflowService.describeNamespace({ namespace }),
    );
    return true;
  } catch {
    return false;
  } finally {
    await connection?.close();
  }
}

/** Keeps the last line that the server wrote on stderr, for the error that says why it did not start. */
function collectComplaint(child: ChildProcess, passOn: boolean): () => string {
  let last = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    if (passOn) process.stderr.write(text);
    last = text.trim().split('\n').at(-1) ?? last;
  });
  return () => last.replace(/^Error:\s*/i, '').replace(/\.$/, '');
}

async function stopChild(child: ChildProcess, exited: Promise<number | null>): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  child.kill('SIGTERM');
  const force = setTimeout(() => child.kill('SIGKILL'), STOP_LIMIT_MS);
  await exited;
  clearTimeout(force);
}
