import { Worker } from 'bullmq';
import { CONCURRENCY } from '../contestants/contestant';
import { openModel } from '../support/model';
import { BULLMQ_QUEUE } from './bullmq-contract';
import type { Work } from './main';

/** Everything but the number of calls at once is BullMQ's default: a lock of 30 s, stalled jobs looked for every 30 s. */
export const work: Work = async ({ modelUrl, port }) => {
  const model = openModel(modelUrl);
  const call = async ({ data }: { data: { id: string; prompt: string } }) => (await model.call(data)).text;
  const connection = { host: '127.0.0.1', port: Number(port) };
  const worker = new Worker(BULLMQ_QUEUE, call, { connection, concurrency: CONCURRENCY });
  worker.on('error', console.error);
  await worker.waitUntilReady();
};
