import { type Context, endpoint, service } from '@restatedev/restate-sdk';
import { openModel } from '../support/model';
import type { Work } from './main';
import { type CallService, RESTATE_SERVICE } from './restate-contract';

/** One handler with one durable step, served over HTTP/2. How many calls run at once is the server's affair. */
export const work: Work = async ({ modelUrl, port }) => {
  const model = openModel(modelUrl);
  const handlers: CallService = {
    async call(context: Context, job) {
      return context.run('call', async () => (await model.call(job)).text);
    },
  };
  const calls = service({ name: RESTATE_SERVICE, handlers: { ...handlers } });
  await endpoint().bind(calls).listen(Number(port));
};
