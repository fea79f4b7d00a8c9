import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { findFreePort } from '../../src/dev/temporal';
import { until } from './until';

/** A real Redis server of a test's own (Debian's `redis-server`), in a folder of its own. */
export interface RedisServer {
  readonly port: number;
  /** Of its files. */
  readonly folder: string;
  /** The URL of a new, empty store on it. */
  newStore(): string;
  /** Sets a store's clock so many ms further ahead, as if the server's own had since gone back. */
  advanceClock(url: string, ms: number): Promise<void>;
  /** Runs a command. */
  admin(...command: (string | number)[]): Promise<unknown>;
  /** Ends it by SIGKILL. */
  kill(): Promise<void>;
  /** Starts it again on the same files and port. */
  start(...settings: string[]): Promise<void>;
  /** Ends it and removes its folder. */
  stop(): Promise<void>;
}

const DURABLE = ['--appendonly', 'yes', '--appendfsync', 'always'];

/**
 * Starts a server, as durable as README asks for.
 *
 * @param settings - others, e.g. `--appendonly`, `no`
 */
export async function startRedis(...settings: string[]): Promise<RedisServer> {
  const folder = mkdtempSync(join(tmpdir(), 'infer-once-redis-'));
  const port = await findFreePort();
  let server: ChildProcess | undefined;
  let stores = 0;

  async function admin(...[command, ...args]: (string | number)[]): Promise<unknown> {
    const redis = new Redis({ host: '127.0.0.1', port, retryStrategy: () => null, maxRetriesPerRequest: 0 });
    redis.on('error', () => undefined);
    try {
      return await redis.call(String(command), ...args);
    } finally {
      redis.disconnect();
    }
  }

  async function start(...more: string[]): Promise<void> {
    const options = ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, '--save', ''];
    server = spawn('redis-server', [...options, ...DURABLE, ...settings, ...more], { stdio: 'ignore' });
    const failed = once(server, 'error').then(([error]) => {
      throw new Error('redis-server is missing: apt-get install -y --no-install-recommends redis-server', {
        cause: error,
      });
    });
    await Promise.race([failed, until('Redis answers', () => admin('PING').catch(() => false))]);
  }

  async function kill(): Promise<void> {
    if (!server?.pid || server.exitCode !== null || server.signalCode !== null) return;
    const ended = once(server, 'exit');
    server.kill('SIGKILL');
    await ended;
  }

  await start();
  return {
    ...{ port, folder, admin, kill, start },
    newStore: () => `redis://127.0.0.1:${port}/0?prefix=store-${++stores}`,
    async advanceClock(url, ms) {
      const meta = `${new URL(url).searchParams.get('prefix')}:meta`;
      const [seconds] = (await admin('TIME')) as [string];
      const ahead = Math.max(Number(await admin('HGET', meta, 'clock')), (Number(seconds) + 1) * 1000);
      await admin('HSET', meta, 'clock', ahead + ms);
    },
    async stop() {
      await kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
