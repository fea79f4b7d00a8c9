import { closeSync, mkdtempSync, openSync, realpathSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { UserError } from '../../errors';
import { type Stack, startStack } from '../stack';
import { findFreePort } from '../temporal';
import { CallsInTheAir } from './calls-in-the-air';

/** What a world is made of. */
export interface WorldOptions {
  /** Calls at once in one worker. */
  concurrency: number;
  /** The real provider in place of the stand-in. */
  live: boolean;
  /** Start Temporal's UI too. */
  withUi: boolean;
}

/** Temporal, provider and two workers, with a data folder that nobody else uses. */
export interface World {
  readonly stack: Stack;
  readonly dataDir: string;
  /** Where workers and clients log. */
  readonly logFile: string;
  readonly logFd: number;
  readonly air: CallsInTheAir;
  stop(): Promise<void>;
  /** Removes the data folder; after `stop`. */
  removeData(): void;
}

const WORKERS = 2;
/** A call of the stand-in takes so long. */
const CALL_MS = 120;
const PORT_TRIES = 3;

/** A dead worker's jobs go on after the lease, so a short one keeps the demo short. */
const QUICK_RECOVERY = { INFER_ONCE_LEASE: '3s', INFER_ONCE_HEARTBEAT_TIMEOUT: '2s' };

/** Starts the demo's parts on free ports. @throws UserError; everything is stopped and removed then */
export async function startWorld({ concurrency, live, withUi }: WorldOptions): Promise<World> {
  const dataDir = realpathSync(mkdtempSync(join(tmpdir(), 'infer-once-demo-')));
  // a worker reads .env where it is started: here is none
  process.chdir(dataDir);
  const logFile = join(dataDir, 'processes.log');
  const logFd = openSync(logFile, 'a');
  const air = new CallsInTheAir();
  const removeData = () => {
    process.chdir(tmpdir());
    rmSync(dataDir, { recursive: true, force: true, maxRetries: 5 });
  };
  try {
    const stack = await startOnFreePorts((temporalPort, uiPort) =>
      startStack({
        dataDir,
        temporalPort,
        uiPort,
        headless: !withUi,
        workers: WORKERS,
        offline: live ? undefined : { delayMs: CALL_MS },
        env: {
          ...QUICK_RECOVERY,
          INFER_ONCE_CONCURRENCY: String(concurrency),
          INFER_ONCE_SHUTDOWN_GRACE: '2s',
          ...(live ? { INFER_ONCE_SETTLE: '1m' } : { OPENAI_API_KEY: 'stand-in' }),
        },
        onWorkerLine(line) {
          writeSync(logFd, `${line}\n`);
          air.take(line);
        },
      }),
    );
    const stop = async () => {
      await stack.stop();
      closeSync(logFd);
    };
    return { stack, dataDir, logFile, logFd, air, stop, removeData };
  } catch (error) {
    closeSync(logFd);
    removeData();
    throw error;
  }
}

/** A port that was free may be taken before it is used. */
async function startOnFreePorts(start: (temporal: number, ui: number) => Promise<Stack>): Promise<Stack> {
  for (let tries = 1; ; tries += 1) {
    const [temporal, ui] = await Promise.all([findFreePort(), findFreePort()]);
    try {
      return await start(temporal, ui);
    } catch (error) {
      const isTaken = error instanceof UserError && error.code === 'port_in_use';
      if (!isTaken || tries === PORT_TRIES) throw error;
    }
  }
}
