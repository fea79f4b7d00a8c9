import { openModel } from '../support/model';
import type { Contestant } from './contestant';

/** The call itself, by the submitting process: nothing is kept, and a duplicate is another call. */
export const direct: Contestant = {
  name: 'direct',
  title: 'direct call',
  packages: ['openai'],
  async open({ model }) {
    const { call, close } = openModel(model.baseUrl);
    return {
      run: async (job) => (await call(job)).text,
      remembers: false,
      servers: [],
      stop: close,
    };
  },
};
