import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Client, WorkflowExecutionAlreadyStartedError } from '@temporalio/client';
import { TypedSearchAttributes } from '@temporalio/common';
import { startAttributes } from '../../src/workflows/attributes';
import { startBenchWorker } from '../support/bench-worker';
import { BARE_QUEUE, BARE_WORKFLOW } from '../workers/bare-contract';
import type { Contestant, Job, JobHistory } from './contestant';

/** Temporal as its documentation starts: a workflow whose id is the job's, with one activity. */
export const bare: Contestant = {
  name: 'bare',
  title: 'bare Temporal workflow',
  packages: ['@temporalio/client', '@temporalio/worker'],
  async open(world) {
    const { client, address, pid } = await world.temporal();
    const bundle = join(world.folder, 'bare-workflow.js');
    writeFileSync(bundle, await bundleWorkflow());
    const worker = await startBenchWorker(world, 'bare', { modelUrl: world.model.baseUrl, address, bundle });
    return {
      run: (job) => runBare(client, job),
      remembers: true,
      worker,
      servers: [pid],
      history: (id) => historyOf(client, id),
      stop: () => worker.stop(),
    };
  },
};

async function runBare(client: Client, { id, prompt }: Job): Promise<string> {
  const options = {
    args: [prompt],
    workflowId: id,
    taskQueue: BARE_QUEUE,
    workflowIdReusePolicy: 'REJECT_DUPLICATE' as const,
    typedSearchAttributes: new TypedSearchAttributes(startAttributes('prompt')),
  };
  try {
    return await client.workflow.execute(BARE_WORKFLOW, options);
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    return client.workflow.getHandle(id).result();
  }
}

/** What Temporal keeps of a job: a workflow's id is the job's. */
export async function historyOf(client: Client, id: string): Promise<JobHistory> {
  const {
    historyLength,
    historySize = 0,
    typedSearchAttributes,
  } = await client.workflow.getHandle(id).describe();
  const attributes = typedSearchAttributes.getAll().map(({ key }) => key.name);
  return { events: historyLength, bytes: historySize, attributes: attributes.sort() };
}

/** Made once: a worker that has to make it first would be late after a kill. */
async function bundleWorkflow(): Promise<string> {
  const { bundleWorkflowCode, DefaultLogger } = await import('@temporalio/worker');
  const { code } = await bundleWorkflowCode({
    workflowsPath: join(__dirname, '..', 'workers', 'bare-workflow.ts'),
    logger: new DefaultLogger('ERROR'),
  });
  return code;
}
