import { JobClient } from '../../src/client';
import { openStore } from '../../src/store/open';
import { startOwnPart } from '../support/own-part';
import { historyOf } from './bare';
import type { Contestant } from './contestant';

/** infer-once, from a program in TypeScript beside the store; its worker is the command `infer-once worker`. */
export const client: Contestant = {
  name: 'client',
  title: 'infer-once, JobClient',
  packages: ['infer-once', '@temporalio/client', '@temporalio/worker'],
  async open(world) {
    const temporal = await world.temporal();
    const env = world.ownEnv('client', temporal.address);
    const store = await openStore(env.INFER_ONCE_STORE_URL!);
    const worker = await startOwnPart('worker', env, world.atEnd);
    const taskQueue = env.INFER_ONCE_TASK_QUEUE!;
    const jobs = new JobClient({ client: temporal.client, store, taskQueue });
    return {
      async run({ id, prompt }) {
        const { result } = await jobs.run({ job_id: id, task: 'prompt', input: { prompt } });
        return (result as { text: string }).text;
      },
      remembers: true,
      worker,
      servers: [temporal.pid],
      history: (id) => historyOf(temporal.client, id),
      async stop() {
        await worker.stop();
        await store.close();
      },
    };
  },
};
