import { Context } from '@temporalio/activity';
import { NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { CONCURRENCY } from '../contestants/contestant';
import { openModel } from '../support/model';
import { BARE_QUEUE, HEARTBEAT_MS } from './bare-contract';
import type { Work } from './main';

/** One workflow type, one activity. Settings that both have are those of infer-once's worker. */
export const work: Work = async ({ modelUrl, address, bundle }) => {
  const model = openModel(modelUrl);
  Runtime.install({ shutdownSignals: [] });
  const connection = await NativeConnection.connect({ address: String(address) });
  const worker = await Worker.create({
    connection,
    taskQueue: BARE_QUEUE,
    workflowBundle: { codePath: String(bundle) },
    activities: {
      async callModel(id: string, prompt: string) {
        const { heartbeat } = Context.current();
        const beat = setInterval(heartbeat.bind(Context.current()), HEARTBEAT_MS / 3);
        try {
          return await model.call({ id, prompt });
        } finally {
          clearInterval(beat);
        }
      },
    },
    maxConcurrentActivityTaskExecutions: CONCURRENCY,
    stickyQueueScheduleToStartTimeout: '1s',
    maxHeartbeatThrottleInterval: HEARTBEAT_MS / 3,
  });
  worker.run().catch((error: unknown) => {
    console.error(error);
    process.exit(1);
  });
};
