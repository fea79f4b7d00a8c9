import { setTimeout as delay } from 'node:timers/promises';
import { Agent, request } from 'undici';
import { UserError } from '../../src/errors';
import { startOwnPart } from '../support/own-part';
import { historyOf } from './bare';
import type { Contestant, Job } from './contestant';

const WAIT_S = 300;

/** infer-once, over HTTP from any language: its worker and its gateway are the commands of these names. */
export const gateway: Contestant = {
  name: 'gateway',
  title: 'infer-once, gateway',
  packages: ['infer-once', 'undici', '@temporalio/client', '@temporalio/worker'],
  async open(world) {
    const temporal = await world.temporal();
    const env = world.ownEnv('gateway', temporal.address);
    const worker = await startOwnPart('worker', env, world.atEnd);
    const own = await startOwnPart('gateway', env, world.atEnd);
    const dispatcher = new Agent({ headersTimeout: 0, bodyTimeout: 0 });
    return {
      run: (job) => put(own.url(), dispatcher, job),
      remembers: true,
      worker,
      servers: [temporal.pid, own.pid()],
      history: (id) => historyOf(temporal.client, id),
      async stop() {
        await own.stop();
        await worker.stop();
        await dispatcher.close();
      },
    };
  },
};

/** One request a job: it submits and waits. What is told to come back later does: the job is the same. */
async function put(url: string, dispatcher: Agent, { id, prompt }: Job): Promise<string> {
  for (;;) {
    const { statusCode, headers, body } = await request(`${url}/v1/jobs/${id}?wait=${WAIT_S}`, {
      dispatcher,
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ task: 'prompt', input: { prompt } }),
    });
    const record = (await body.json()) as { status: unknown; result?: { text: string } | null };
    if (statusCode === 200 && record.result) return record.result.text;
    if (statusCode !== 503) {
      const why = `Job ${id} was answered ${statusCode} by the gateway, ${record.status}.`;
      throw new UserError(why, { code: 'bench_answer' });
    }
    await delay(Number(headers['retry-after'] ?? 1) * 1000);
  }
}
