import { z } from 'zod';
import { DEFAULT_MODEL } from './default-model';
import { defineTask } from './define';
import type { ChatMessages } from './task';

/** Built-in: a free prompt, answered by text. */
export const prompt = defineTask({
  name: 'prompt',
  version: '1',
  input: z.object({ prompt: z.string().min(1), system: z.string().optional() }),
  output: z.object({ text: z.string() }),
  model: DEFAULT_MODEL,
  prompt: (input) => {
    const user: ChatMessages = [{ role: 'user', content: input.prompt }];
    return input.system === undefined ? user : [{ role: 'system', content: input.system }, ...user];
  },
  parse: (content) => ({ text: content }),
});
