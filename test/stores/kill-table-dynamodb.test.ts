import { describeKillTable } from '../support/describe-kill-table';
import { type DynamoServer, startDynamo } from '../support/dynamodb-server';
import { STORE_CELLS } from '../support/kill-table';
import { AWS_CHILD_ENV } from '../support/moto-server';

let server: DynamoServer;
beforeAll(async () => {
  server = await startDynamo();
});

describeKillTable(STORE_CELLS, () => server.createTable(), AWS_CHILD_ENV);

// after the world whose workers use it
afterAll(() => server.stop());
