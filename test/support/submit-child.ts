// A submitter of the built code that dies by SIGKILL after its row was written and before its start:
// submit-child.ts ADDRESS STORE_FILE TASK_QUEUE JOB_JSON
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';

const fromDist = <T>(path: string): T => require(join(__dirname, '..', '..', 'dist', path)) as T;
const { JobClient } = fromDist<typeof import('../../src/client')>('client');
const { openStore } = fromDist<typeof import('../../src/store/open')>('store/open');

async function main([address, storeFile, taskQueue, job]: string[]): Promise<void> {
  const client = new Client({ connection: await Connection.connect({ address: address! }) });
  client.workflow.start = async () => process.kill(process.pid, 'SIGKILL') as never;
  const store = await openStore(`sqlite:${storeFile}`);
  await new JobClient({ client, store, taskQueue }).submit(JSON.parse(job!));
}

void main(process.argv.slice(2));
