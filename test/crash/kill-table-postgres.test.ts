import { describeKillTable } from '../support/describe-kill-table';
import { STORE_CELLS } from '../support/kill-table';
import { type PostgresServer, startPostgres } from '../support/postgres-server';

let server: PostgresServer;
beforeAll(async () => {
  server = await startPostgres('max_connections=500');
});

describeKillTable(STORE_CELLS, () => server.createDatabase());

// after the world whose workers use it
afterAll(() => server.stop());
