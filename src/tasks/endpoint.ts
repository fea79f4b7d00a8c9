import { z } from 'zod';
import { defineTask } from './define';
import type { ChatRequest, Endpoint, Task } from './task';

/** An answer of Chat Completions, as far as a result has to be one. */
const COMPLETION = z.custom((value) => isObject(value) && Array.isArray(value.choices));
/** An answer of the Responses API. */
const RESPONSE = z.custom((value) => isObject(value) && Array.isArray(value.output));

/**
 * A task whose input is the body of a request to one of the provider's endpoints, and whose result is the
 * whole answer, untouched. What is in the body is the caller's and the provider's business: no field is
 * checked here, none is added but what recovery needs, and a refusal or an answer cut off is a result.
 */
function endpointTask(name: Endpoint, output: z.ZodType): Task {
  const task = defineTask({
    name,
    version: '1',
    input: z.custom<Record<string, unknown>>(isObject),
    output,
    request: (body) => body as unknown as ChatRequest,
    // the answer is never read as text
    parse: (content) => content,
  });
  return Object.freeze({ ...task, endpoint: name });
}

/** Built-in: a request to `/v1/chat/completions`, answered by the ChatCompletion. */
export const chatCompletions = endpointTask('chat.completions', COMPLETION);

/** Built-in: a request to `/v1/responses`, answered by the Response. */
export const responses = endpointTask('responses', RESPONSE);

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
