import OpenAI from 'openai';
import { Agent, fetch as undiciFetch } from 'undici';
import { DEFAULT_MODEL } from '../../src/tasks/default-model';

/** What a call came to. */
export interface Answer {
  text: string;
  model: string;
  tokens: number;
}

/** How the contestants that are not ours call the provider. */
export interface Model {
  call(job: { id: string; prompt: string }): Promise<Answer>;
  close(): Promise<void>;
}

/**
 * The official package, without its retries, over as many connections as there are calls, as infer-once's own.
 * The request is the one that infer-once sends, `store` and `metadata` too: the provider has the same work
 * with each contestant, and its ledger says whose call it was.
 */
export function openModel(baseUrl: string): Model {
  const agent = new Agent({ connections: null, headersTimeout: 0, bodyTimeout: 0 });
  const openai = new OpenAI({
    baseURL: baseUrl,
    apiKey: 'none',
    maxRetries: 0,
    fetch: undiciFetch as unknown as typeof fetch,
    fetchOptions: { dispatcher: agent } as OpenAI['fetchOptions'],
  });
  return {
    async call({ id, prompt }) {
      const completion = await openai.chat.completions.create({
        model: DEFAULT_MODEL,
        messages: [{ role: 'user', content: prompt }],
        store: true,
        metadata: { job_id: id },
      });
      return {
        text: completion.choices[0]?.message.content ?? '',
        model: completion.model,
        tokens: completion.usage?.total_tokens ?? 0,
      };
    },
    close: () => agent.close(),
  };
}
