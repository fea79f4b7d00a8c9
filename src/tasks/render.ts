import { ConfigError } from '../errors';
import type { ChatRequest, RequestContext, Task } from './task';

/**
 * Makes the request of a job: the task's own, with `INFER_ONCE_MODEL` in place of its model where that is
 * set, and the output schema as `response_format` where it has none; or the caller's own request, for a task
 * that speaks for an endpoint. Pure as far as the task is; costs
 * nothing, so it comes before the claim.
 *
 * @param input - as the task's input schema returned it
 * @returns plain JSON: what is sent can't change any more under a function that keeps a reference
 * @throws ConfigError where the task's function throws or returns no request; the input is not in it
 */
export function renderRequest(task: Task, input: unknown, ctx: RequestContext): ChatRequest {
  const refuse = (why: string, cause?: unknown): never => {
    throw new ConfigError(`Task "${task.name}" made no usable request: ${why}.`, cause);
  };
  if (task.endpoint) return endpointRequest(task, input as Record<string, unknown>, refuse);
  const made = callTask(task, input, ctx, refuse);
  const fault = findFault(made);
  if (fault) refuse(fault);
  const request: ChatRequest = { ...(made as ChatRequest) };
  if (ctx.model) request.model = ctx.model;
  if (!request.model) refuse('it has no model; set one in the task or INFER_ONCE_MODEL');
  if (!request.response_format && task.responseFormat) request.response_format = task.responseFormat();
  try {
    return JSON.parse(JSON.stringify(request));
  } catch (cause) {
    return refuse('the request is not JSON (a cycle or a BigInt)', cause);
  }
}

/** A body as the caller wrote it, but never a stream: an answer is stored whole, whoever is then streamed it. */
function endpointRequest(
  task: Task,
  input: Record<string, unknown>,
  refuse: (why: string) => never,
): ChatRequest {
  const { stream: _, stream_options: __, ...body } = input;
  if (task.endpoint === 'responses' && body.background) {
    refuse('it has background, which is for this application to choose; leave it out and wait for the job');
  }
  return body as unknown as ChatRequest;
}

function callTask(
  task: Task,
  input: unknown,
  ctx: RequestContext,
  refuse: (why: string, cause: unknown) => never,
) {
  try {
    return task.request(input as never, { ...ctx }) as unknown;
  } catch (cause) {
    // Only the kind of error: its message is the user's code's, and may quote the input.
    return refuse(
      `its function threw ${cause instanceof Error ? cause.name : 'something that is no Error'}`,
      cause,
    );
  }
}

function findFault(made: unknown): string | null {
  if (made instanceof Promise || typeof (made as Promise<unknown> | undefined)?.then === 'function') {
    Promise.resolve(made).catch(() => {});
    return 'its function is asynchronous; the request must be made of the input alone';
  }
  if (typeof made !== 'object' || made === null) return 'its function must return an object';
  const request = made as Record<string, unknown>;
  if (!Array.isArray(request.messages) || request.messages.length === 0) return 'it has no messages';
  if (request.stream) return 'it asks for a stream; an answer is stored whole, leave stream out';
  return null;
}
