import { describeKillTable } from '../support/describe-kill-table';
import { SOME_CELLS } from '../support/kill-table';
import { type PostgresServer, startPostgres } from '../support/postgres-server';

let server: PostgresServer;
beforeAll(async () => {
  server = await startPostgres('max_connections=500');
});

// what a policy decides does not hang on the store: here each point and recovery meets one of them
describeKillTable(SOME_CELLS, () => server.createDatabase());

// after the world whose workers use it
afterAll(() => server.stop());
