import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { Queue, QueueEvents } from 'bullmq';
import { findFreePort } from '../../src/dev/temporal';
import { startServer } from '../servers/child';
import { startBenchWorker } from '../support/bench-worker';
import { BULLMQ_QUEUE } from '../workers/bullmq-contract';
import type { Contestant } from './contestant';

/** A queue in Redis, which writes its log every second, as BullMQ's documentation asks; a job's id is its own. */
export const bullmq: Contestant = {
  name: 'bullmq',
  title: 'BullMQ',
  packages: ['bullmq', 'ioredis'],
  async open(world) {
    const port = await findFreePort();
    const pid = await startRedis(join(world.folder, 'redis'), port, world.atEnd);
    world.versions.Redis = redisVersion();
    const connection = { host: '127.0.0.1', port };
    const worker = await startBenchWorker(world, 'bullmq', { modelUrl: world.model.baseUrl, port });
    const queue = new Queue(BULLMQ_QUEUE, { connection });
    const events = new QueueEvents(BULLMQ_QUEUE, { connection });
    // listeners for each job that is waited for
    events.setMaxListeners(0);
    queue.setMaxListeners(0);
    await events.waitUntilReady();
    return {
      async run({ id, prompt }) {
        const job = await queue.add('call', { id, prompt }, { jobId: id });
        return job.waitUntilFinished(events);
      },
      remembers: true,
      worker,
      servers: [pid],
      async stop() {
        await worker.stop();
        await events.close();
        await queue.close();
      },
    };
  },
};

function startRedis(folder: string, port: number, atEnd: Parameters<typeof startServer>[1]): Promise<number> {
  mkdirSync(folder, { recursive: true });
  const settings = {
    port,
    bind: '127.0.0.1',
    dir: folder,
    appendonly: 'yes',
    'maxmemory-policy': 'noeviction',
  };
  return startServer(
    {
      name: 'Redis',
      command: 'redis-server',
      args: Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)]),
      port,
      remedy: 'install it (apt-get install redis-server)',
    },
    atEnd,
  );
}

function redisVersion(): string {
  return /v=(\S+)/.exec(execFileSync('redis-server', ['--version'], { encoding: 'utf8' }))?.[1] ?? 'unknown';
}
