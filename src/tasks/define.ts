import type { ZodType, z } from 'zod';
import { parseDuration } from '../duration';
import { ConfigError } from '../errors';
import { isTaskName } from '../job';
import { isZod4Schema, outputResponseFormat } from './response-format';
import {
  type ChatMessages,
  type ChatRequest,
  type OnUnknown,
  type RecoverySetting,
  type RequestContext,
  TASK_BRAND,
  type Task,
} from './task';

/** What every task has, whichever way it makes its request. */
export interface CommonTaskOptions<In extends ZodType, Out extends ZodType> {
  /** 1 to 63 letters, digits and `. _ -`; begins with a letter. Callers submit by it. */
  name: string;
  /** Recorded with each job. A completed job answers for every version: new data want a new `job_id`. */
  version: string;
  /** A zod 4 schema of the input. */
  input: In;
  /** A zod 4 schema of the result; also sent as `response_format`, unless the request has one or `parse` is given. */
  output: Out;
  /** For free-form text: turns the answer's text into what `output` checks. */
  parse?: (content: string) => unknown;
  /** The longest one call may take: ms, or a text such as `'10m'`. At most a day. */
  callTimeout?: string | number;
  /** In place of `INFER_ONCE_RECOVERY`. */
  recovery?: RecoverySetting;
  /** In place of `INFER_ONCE_ON_UNKNOWN`. */
  onUnknown?: OnUnknown;
  /** How long a settled record is kept before purge may take it: ms, or a text such as `'90d'`. */
  keep?: string | number;
}

/** A task that makes the whole request itself. */
export interface RequestTaskOptions<In extends ZodType, Out extends ZodType>
  extends CommonTaskOptions<In, Out> {
  /** Makes the openai package's own request of an input that has passed the schema. Synchronous and free. */
  request: (input: z.output<In>, ctx: RequestContext) => ChatRequest;
}

/** A task in short form: a model and a prompt. */
export interface PromptTaskOptions<In extends ZodType, Out extends ZodType>
  extends CommonTaskOptions<In, Out> {
  model: string;
  /** The user's message, or all messages. */
  prompt: (input: z.output<In>) => string | ChatMessages;
  /** The system message that goes before. */
  system?: string;
}

const COMMON = [
  'name',
  'version',
  'input',
  'output',
  'parse',
  'callTimeout',
  'recovery',
  'onUnknown',
  'keep',
];
const KNOWN = [...COMMON, 'request', 'model', 'prompt', 'system'];
/** Timers hold 24 days at most; a day is already far beyond what a provider lets one call take. */
const LONGEST_CALL_MS = 86_400_000;

/**
 * Defines what a job asks a model.
 *
 * @throws ConfigError, one sentence that names the task and the option: a bad name, an unknown option, a
 *   schema that isn't zod 4's, a duration that can't be read, `request` together with `prompt`
 *
 * @example
 * export const sentiment = defineTask({
 *   name: 'sentiment',
 *   version: '1',
 *   input: z.object({ text: z.string() }),
 *   output: z.object({ sentiment: z.enum(['positive', 'neutral', 'negative']) }),
 *   model: 'gpt-6-luna',
 *   prompt: ({ text }) => `How does this text feel?\n\n${text}`,
 * });
 */
export function defineTask<In extends ZodType, Out extends ZodType>(
  options: RequestTaskOptions<In, Out> | PromptTaskOptions<In, Out>,
): Task<z.input<In>, z.output<Out>> {
  const given: Partial<RequestTaskOptions<In, Out> & PromptTaskOptions<In, Out>> = options ?? {};
  const name = checkName(given.name);
  const refuse = (why: string): never => {
    throw new ConfigError(`Task ${JSON.stringify(name)} can't be used: ${why}.`);
  };
  for (const option of Object.keys(given)) {
    if (!KNOWN.includes(option)) refuse(`it has no option ${option}; known are ${KNOWN.join(', ')}`);
  }
  if (typeof given.version !== 'string' || given.version === '' || given.version.length > 64) {
    refuse('its version must be a text of 1 to 64 characters');
  }
  for (const side of ['input', 'output'] as const) {
    if (!isZod4Schema(given[side])) refuse(`its ${side} must be a schema of zod 4`);
  }
  if (given.parse !== undefined && typeof given.parse !== 'function') refuse('parse must be a function');
  checkOneOf(refuse, 'recovery', given.recovery, ['auto', 'stored', 'background', 'none']);
  checkOneOf(refuse, 'onUnknown', given.onUnknown, ['hold', 'rerun', 'fail']);
  const request = given.request === undefined ? promptRequest(given, refuse) : wholeRequest(given, refuse);
  const format = given.parse ? undefined : outputResponseFormat(name, options.output);
  // In short form the schema is certain to be sent: better to fail now than at the first job.
  if (given.request === undefined) format?.();

  return Object.freeze({
    [TASK_BRAND]: true as const,
    name,
    version: options.version,
    input: options.input as ZodType<unknown, z.input<In>>,
    output: options.output as unknown as ZodType<z.output<Out>>,
    request: request as Task['request'],
    responseFormat: format,
    parse: given.parse,
    callTimeoutMs: readCallTimeout(name, given.callTimeout, refuse),
    recovery: given.recovery,
    onUnknown: given.onUnknown,
    keepMs: given.keep === undefined ? undefined : parseDuration(given.keep, `keep of task "${name}"`),
  });
}

type Refuse = (why: string) => never;

function checkName(name: unknown): string {
  if (isTaskName(name)) return name;
  const shown = typeof name === 'string' ? JSON.stringify(name.slice(0, 80)) : 'undefined';
  throw new ConfigError(
    `A task can't be named ${shown}; a name is 1 to 63 letters, digits and . _ - and begins with a letter.`,
  );
}

function checkOneOf(refuse: Refuse, option: string, value: unknown, allowed: string[]): void {
  if (value === undefined || allowed.includes(value as string)) return;
  refuse(`${option} is ${JSON.stringify(value)}; it must be one of ${allowed.join(', ')}`);
}

function wholeRequest(given: { request?: unknown }, refuse: Refuse): unknown {
  for (const option of ['model', 'prompt', 'system'] as const) {
    if (option in given) refuse(`it has both request and ${option}; ${option} belongs to the short form`);
  }
  if (typeof given.request !== 'function') refuse('request must be a function');
  return given.request;
}

function promptRequest(
  { model, prompt, system }: Partial<Record<'model' | 'prompt' | 'system', unknown>>,
  refuse: Refuse,
): Task['request'] {
  if (typeof prompt !== 'function')
    return refuse('it needs a request function, or a model and a prompt function');
  if (typeof model !== 'string' || model === '') return refuse('a prompt needs a model, e.g. "gpt-6-luna"');
  if (system !== undefined && typeof system !== 'string') return refuse('system must be a text');
  return (input: never) => {
    const said = prompt(input);
    const messages: ChatMessages = typeof said === 'string' ? [{ role: 'user', content: said }] : said;
    return {
      model,
      messages: system === undefined ? messages : [{ role: 'system', content: system }, ...messages],
    };
  };
}

function readCallTimeout(
  name: string,
  value: string | number | undefined,
  refuse: Refuse,
): number | undefined {
  if (value === undefined) return undefined;
  const ms = parseDuration(value, `callTimeout of task "${name}"`);
  if (ms < 1 || ms > LONGEST_CALL_MS) refuse('callTimeout must be between 1ms and 1d');
  return ms;
}
