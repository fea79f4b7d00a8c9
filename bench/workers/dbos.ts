import { DBOS } from '@dbos-inc/dbos-sdk';
import { CONCURRENCY } from '../contestants/contestant';
import { openModel } from '../support/model';
import { DBOS_QUEUE, DBOS_VERSION, DBOS_WORKFLOW, POLL_MS } from './dbos-contract';
import type { Work } from './main';

/** One workflow with one step, from a queue that is polled more often than by default. */
export const work: Work = async ({ modelUrl, databaseUrl }) => {
  const model = openModel(modelUrl);
  DBOS.setConfig({
    name: 'bench',
    systemDatabaseUrl: String(databaseUrl),
    applicationVersion: DBOS_VERSION,
    logLevel: 'error',
  });
  DBOS.registerWorkflow(
    async (prompt: string) => {
      const id = DBOS.workflowID!;
      const { text } = await DBOS.runStep(() => model.call({ id, prompt }), { name: 'call' });
      return text;
    },
    { name: DBOS_WORKFLOW },
  );
  await DBOS.launch();
  await DBOS.registerQueue(DBOS_QUEUE, { workerConcurrency: CONCURRENCY, minPollingIntervalMs: POLL_MS });
};
