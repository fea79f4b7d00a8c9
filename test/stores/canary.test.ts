import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DynamoDB } from '@aws-sdk/client-dynamodb';
import { CANARY, fly, placesOf } from '../support/canary-flight';
import { startDynamo } from '../support/dynamodb-server';
import { startRedis } from '../support/redis-server';

/** A server, and what it keeps. */
interface Keeper {
  newStore(): Promise<string>;
  kept(storeUrl: string): Promise<Buffer>;
  stop(): Promise<void>;
}

async function redis(): Promise<Keeper> {
  const server = await startRedis();
  const log = join(server.folder, 'appendonlydir');
  return {
    newStore: async () => server.newStore(),
    kept: async () => Buffer.concat(readdirSync(log).map((name) => readFileSync(join(log, name)))),
    stop: server.stop,
  };
}

async function dynamodb(): Promise<Keeper> {
  const server = await startDynamo();
  const db = new DynamoDB({ endpoint: server.url, region: 'eu-west-1' });
  return {
    newStore: server.createTable,
    async kept(storeUrl) {
      const TableName = storeUrl.slice('dynamodb:'.length, storeUrl.indexOf('?'));
      const { Items = [] } = await db.scan({ TableName });
      const values = Items.flatMap((item) => Object.values(item));
      return Buffer.concat(values.map(({ B, ...other }) => Buffer.from(B ?? JSON.stringify(other))));
    },
    async stop() {
      db.destroy();
      await server.stop();
    },
  };
}

test.each([
  ['Redis', redis],
  ['DynamoDB', dynamodb],
])(
  'a canary that flies through a stack on %s is in nothing that it keeps with encryption on, and in some with it off',
  async (_, start) => {
    const keeper = await start();
    for (const encrypted of [true, false]) {
      const storeUrl = await keeper.newStore();
      const flight = await fly({ encrypted, storeUrl });
      const kept = await keeper.kept(storeUrl);
      expect(kept.includes('acme/well')).toBe(true);
      expect(kept.includes(CANARY)).toBe(!encrypted);
      if (encrypted) expect(await placesOf(CANARY, flight)).toEqual([]);
      await flight.stop();
    }
    await keeper.stop();
  },
);
