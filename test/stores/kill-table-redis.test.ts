import { describeKillTable } from '../support/describe-kill-table';
import { STORE_CELLS } from '../support/kill-table';
import { type RedisServer, startRedis } from '../support/redis-server';

let server: RedisServer;
beforeAll(async () => {
  server = await startRedis();
});

describeKillTable(STORE_CELLS, async () => server.newStore());

// after the world whose workers use it
afterAll(() => server.stop());
