import type { ChatCompletionCreateParamsNonStreaming } from 'openai/resources/chat/completions';
import type { ZodType } from 'zod';

/** What is sent to the model: the openai package's own type, so that no option of it is out of reach. */
export type ChatRequest = ChatCompletionCreateParamsNonStreaming;

/** The messages of a request, in the openai package's own type. */
export type ChatMessages = ChatRequest['messages'];

/** What a task's `request` function is told beside the input. */
export interface RequestContext {
  /** `INFER_ONCE_MODEL`, where it is set; it is put into the request in any case. */
  model?: string;
  /** The job's id as the caller names it. */
  job_id: string;
}

/**
 * Where to look for the answer of a call whose fate is open: `stored` among the completions that the
 * provider keeps (`store: true`), `background` under the id that the provider gave to a response which it runs
 * by itself (`background: true`), `none` nowhere, `auto` `stored` for the OpenAI API itself and `none`
 * for every other base URL.
 */
export type RecoverySetting = 'auto' | 'stored' | 'background' | 'none';

/** One of the provider's endpoints, by the name of the task that speaks for it. */
export type Endpoint = 'chat.completions' | 'responses';

/** What becomes of a job once recovery has stopped asking: wait for a decision, run again, or fail. */
export type OnUnknown = 'hold' | 'rerun' | 'fail';

/**
 * Brands tasks by the global symbol registry: a user's module may hold another copy of this package than
 * the worker that loads it, and `instanceof` would not see that.
 */
export const TASK_BRAND: unique symbol = Symbol.for('infer-once.task') as never;

/**
 * What a job asks a model; made by `defineTask`.
 *
 * @typeParam I - the input as submitted
 * @typeParam O - the job's result
 */
// biome-ignore lint/suspicious/noExplicitAny: a registry holds tasks of every input and output
export interface Task<I = any, O = any> {
  readonly [TASK_BRAND]: true;
  readonly name: string;
  /** Recorded with the job; not part of the input's digest. */
  readonly version: string;
  /** Checks the submitted input and fills in defaults. */
  readonly input: ZodType<unknown, I>;
  /** Checks the answer. */
  readonly output: ZodType<O>;
  /** Makes the request of a parsed input; call it through `renderRequest`. */
  readonly request: (input: never, ctx: RequestContext) => ChatRequest;
  /**
   * The `response_format` for requests that bring none; throws ConfigError where the output schema can't
   * be one. Absent for free-form text.
   */
  readonly responseFormat?: () => NonNullable<ChatRequest['response_format']>;
  /** Turns free-form text into what the output schema checks; absent = the text is JSON. */
  readonly parse?: (content: string) => unknown;
  /**
   * Set where the input is the body of a request to this endpoint, sent as it is (the caller's own model too),
   * and the result its whole answer, which nobody judges. Absent = Chat Completions, judged by `output`.
   */
  readonly endpoint?: Endpoint;
  /** The longest one call may take, in ms; undefined = `INFER_ONCE_CALL_TIMEOUT`. */
  readonly callTimeoutMs: number | undefined;
  /** Undefined = `INFER_ONCE_RECOVERY`. */
  readonly recovery: RecoverySetting | undefined;
  /** Undefined = `INFER_ONCE_ON_UNKNOWN`. */
  readonly onUnknown: OnUnknown | undefined;
  /** How long a settled record is kept before purge may take it, in ms; undefined = for ever. */
  readonly keepMs: number | undefined;
}

/** The input type of a task, as callers submit it. */
// biome-ignore lint/suspicious/noExplicitAny: whatever the other side is
export type TaskInput<T> = T extends Task<infer I, any> ? I : never;

/** The result type of a task. */
// biome-ignore lint/suspicious/noExplicitAny: whatever the other side is
export type TaskOutput<T> = T extends Task<any, infer O> ? O : never;

/** True for what `defineTask` made, whichever copy of this package made it. */
export function isTask(value: unknown): value is Task {
  return typeof value === 'object' && value !== null && (value as Partial<Task>)[TASK_BRAND] === true;
}
