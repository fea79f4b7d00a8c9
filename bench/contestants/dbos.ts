import { DBOSClient } from '@dbos-inc/dbos-sdk';
import { startBenchWorker } from '../support/bench-worker';
import { DBOS_QUEUE, DBOS_VERSION, DBOS_WORKFLOW, POLL_MS } from '../workers/dbos-contract';
import type { Contestant } from './contestant';

/** Durable workflows in Postgres: one with one step, enqueued by its id from another process. */
export const dbos: Contestant = {
  name: 'dbos',
  title: 'DBOS',
  packages: ['@dbos-inc/dbos-sdk'],
  async open(world) {
    const postgres = await world.postgres();
    const databaseUrl = await postgres.createDatabase('dbos');
    const worker = await startBenchWorker(world, 'dbos', { modelUrl: world.model.baseUrl, databaseUrl });
    const client = await DBOSClient.create({ systemDatabaseUrl: databaseUrl, logger: QUIET });
    const start = { queueName: DBOS_QUEUE, workflowName: DBOS_WORKFLOW, appVersion: DBOS_VERSION };
    return {
      async run({ id, prompt }) {
        const handle = await client.enqueue<(prompt: string) => Promise<string>>(
          { ...start, workflowID: id },
          prompt,
        );
        return handle.getResult({ pollingIntervalMs: POLL_MS });
      },
      remembers: true,
      worker,
      servers: [postgres.pid],
      async stop() {
        await worker.stop();
        await client.destroy();
      },
    };
  },
};

const quiet = () => undefined;
const QUIET = { info: quiet, debug: quiet, warn: quiet, error: console.error };
