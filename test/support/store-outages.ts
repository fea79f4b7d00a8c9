import type { Client } from 'pg';
import { openDynamoProxy } from './dynamodb-proxy';
import { startDynamo } from './dynamodb-server';
import { takeAllConnections } from './postgres-connections';
import { startPostgres } from './postgres-server';
import { startRedis } from './redis-server';
import { until } from './until';

/** A server that can be taken from those that have a store on it open, and given back. */
export interface FailingStore {
  newStore(): Promise<string>;
  /** Resolves when no request of theirs gets through any more. */
  takeAway(): Promise<void>;
  giveBack(): Promise<void>;
  stop(): Promise<void>;
}

async function postgresKilled(): Promise<FailingStore> {
  const { createDatabase, kill, start, stop } = await startPostgres();
  return { newStore: createDatabase, takeAway: kill, giveBack: start, stop };
}

async function redisKilled(): Promise<FailingStore> {
  const { newStore, kill, start, stop } = await startRedis();
  return { newStore: async () => newStore(), takeAway: kill, giveBack: start, stop };
}

/** Others take every connection, those that the store had, too. */
async function postgresCrowded(): Promise<FailingStore> {
  const { createDatabase, port, stop } = await startPostgres('max_connections=40');
  const others: Client[] = [];
  const giveBack = async () => {
    await Promise.all(others.splice(0).map((client) => client.end()));
  };
  return {
    ...{ newStore: createDatabase, giveBack },
    async takeAway() {
      await until('the store has no connection left', async () => {
        others.push(...(await takeAllConnections(`postgres://postgres@127.0.0.1:${port}/postgres`)));
        const [first] = others;
        const { rowCount } = await first!.query(
          "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'infer-once'",
        );
        return rowCount === 0;
      });
    },
    async stop() {
      await giveBack();
      await stop();
    },
  };
}

async function dynamoThrottled(): Promise<FailingStore> {
  const server = await startDynamo();
  const proxy = await openDynamoProxy(server.url);
  return {
    newStore: async () => (await server.createTable()).replace(server.url, proxy.url),
    takeAway: async () => proxy.throttle(Infinity),
    giveBack: async () => proxy.throttle(0),
    async stop() {
      await proxy.close();
      await server.stop();
    },
  };
}

/** How each is taken away, with what it then says of itself. */
export const STORE_OUTAGES = [
  { outage: 'PostgreSQL killed and started again', says: 'does not answer', start: postgresKilled },
  { outage: 'PostgreSQL out of connections', says: 'has no connection left', start: postgresCrowded },
  { outage: 'Redis killed and started again', says: 'does not answer', start: redisKilled },
  { outage: 'DynamoDB throttled', says: 'takes no more requests', start: dynamoThrottled },
];
