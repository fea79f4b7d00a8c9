// The official OpenAI package for Node, unchanged, in a process of its own (jest's realm hides what an abort is).
// Prints what the caller of each key sees in the end, all at once: after the package's own retries and time-outs.
//
// Usage: openai-client.mjs BASE_URL ask KEY…
import OpenAI, { APIConnectionTimeoutError, APIError } from 'openai';

const [baseURL, , ...keys] = process.argv.slice(2);
const client = new OpenAI({ baseURL, apiKey: 'sk-of-the-caller', timeout: 1_500 });
const question = { model: 'gpt-6-luna', messages: [{ role: 'user', content: 'Who are you?' }] };

async function ask(key) {
  for (;;) {
    try {
      const sent = client.chat.completions.create(question, { headers: { 'Idempotency-Key': key } });
      return ['answer', (await sent).id];
    } catch (error) {
      // when the package has given up, its caller asks again
      if (error instanceof APIConnectionTimeoutError) continue;
      if (error instanceof APIError && error.status) return [error.status, error.code];
      throw error;
    }
  }
}

console.log(JSON.stringify(await Promise.all(keys.map(ask))));
