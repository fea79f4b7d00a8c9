import OpenAI from 'openai';
import type { ResponseCreateParamsNonStreaming } from 'openai/resources/responses/responses';
import { type Agent, fetch as undiciFetch } from 'undici';
import { ConfigError } from '../errors';
import type { SendContext } from '../once/outcome';
import type { ChatRequest, RecoverySetting, Task } from '../tasks/task';
import { answerOutcome } from './answer';
import { backgroundOperations, deleteResponses, startResponse } from './background';
import { classifyFault } from './classify';
import { addMarks } from './marks';
import { sendResponse } from './plain-response';
import type { Provider } from './provider';
import { withProviderError } from './provider-error';
import { deleteStored, effectiveRecovery, storedLookUp } from './recovery';
import { toResponsesRequest } from './responses-request';
import { type Post, sendOnce } from './send-once';
import { openAgent } from './wire';

/** Of the OpenAI API itself. */
export const OPENAI_BASE_URL = 'https://api.openai.com/v1';

/** How to reach the model. Nothing of it is read from the environment here. */
export interface ProviderOptions {
  /** Needed by the OpenAI API itself; other servers may do without. */
  apiKey?: string;
  /** Default: the OpenAI API. */
  baseUrl?: string;
  /** `INFER_ONCE_RECOVERY`; a task's own setting goes before it. */
  recovery: RecoverySetting;
  /** `INFER_ONCE_CALL_TIMEOUT` in ms, for tasks without their own. */
  callTimeoutMs: number;
}

/**
 * Chat Completions, or Responses in the background, by the `openai` package, with everything off that could send a call twice: the SDK's
 * retries, redirects, and fetch's own second send.
 *
 * @throws ConfigError for a base URL or key that can't be used, or the OpenAI API without a key
 *
 * @example
 * const provider = createProvider({ apiKey, recovery: 'auto', callTimeoutMs: 600_000 });
 * const outcome = await provider.send(task, renderRequest(task, input, { job_id }), ctx);
 */
export function createProvider(options: ProviderOptions): Provider {
  const baseUrl = options.baseUrl || OPENAI_BASE_URL;
  const { host, hostname } = parseBaseUrl(baseUrl);
  const openaiApi = hostname === 'api.openai.com';
  const agent = openAgent();
  const client = openClient(baseUrl, checkApiKey(options.apiKey, openaiApi), agent);
  const source = { baseUrl, openaiApi };
  const timeoutOf = (task: Task) => task.callTimeoutMs ?? options.callTimeoutMs;
  const recoveryOf = (task?: Task) => effectiveRecovery(task, options.recovery, openaiApi);

  return {
    host,
    openaiApi,
    async send(task, request, ctx) {
      if (task.endpoint === 'responses') {
        return sendResponse(client, agent, task, asResponses(request), ctx, timeoutOf(task), source);
      }
      const body = recoveryOf(task) === 'stored' ? markForRecovery(task, request, ctx) : request;
      const post: Post = (o) => client.chat.completions.create(body, o);
      const sent = await sendOnce(agent, post, looksLikeCompletion, ctx, timeoutOf(task));
      if ('fault' in sent) {
        const refused = classifyFault(sent.fault, { openaiApi, now: Date.now() });
        return task.endpoint ? withProviderError(refused, sent.fault) : refused;
      }
      if ('body' in sent) return answerOutcome(task, sent.body, { ...sent, baseUrl });
      return sent;
    },
    background(task, request) {
      if (recoveryOf(task) !== 'background') return null;
      // a caller who lets nothing be stored can't have it run in the background
      if (task.endpoint && request.store === false) return null;
      const body = task.endpoint
        ? { ...asResponses(request), background: true, store: true }
        : toResponsesRequest(task.name, request);
      return (ctx) => startResponse(client, agent, task, body, ctx, timeoutOf(task), source);
    },
    operations: (task) => backgroundOperations(client, task, source),
    lookUp: (task) => (recoveryOf(task) === 'stored' ? storedLookUp(client, task, baseUrl) : null),
    async forget(key, callIds, task, operations = []) {
      await deleteResponses(client, operations);
      // The OpenAI API is asked in any case: the calls may be older than the setting.
      if (openaiApi || recoveryOf(task) === 'stored') await deleteStored(client, key, callIds);
    },
    close: () => agent.close(),
  };
}

/** Stored, and findable by this job and call; a request that says `store: false` itself is left alone. */
function markForRecovery(task: Task, request: ChatRequest, ctx: SendContext): ChatRequest {
  if (request.store === false) return request;
  const { key, call_id } = ctx;
  if (task.endpoint) {
    const metadata = addMarks(request.metadata, ctx) as ChatRequest['metadata'] | null;
    return metadata ? { ...request, store: true, metadata } : request;
  }
  return { ...request, store: true, metadata: { ...request.metadata, job_id: key, call_id } };
}

/** What `renderRequest` made for the task `responses` is a request for a response. */
function asResponses(request: ChatRequest): ResponseCreateParamsNonStreaming {
  return request as unknown as ResponseCreateParamsNonStreaming;
}

/** Some gateways answer 200 with `{}` or `{error: …}`: whether that was paid for, nobody can tell. */
function looksLikeCompletion(value: unknown): value is object {
  const { choices, error } = (value ?? {}) as { choices?: unknown; error?: unknown };
  return Array.isArray(choices) && choices.length > 0 && !error;
}

function openClient(baseURL: string, apiKey: string, agent: Agent): OpenAI {
  return new OpenAI({
    baseURL,
    apiKey,
    maxRetries: 0,
    // At `debug`, the SDK would log requests with their prompts, whatever our own level is.
    logLevel: 'off',
    fetch: undiciFetch as unknown as typeof fetch,
    // A POST is sent again to wherever a 307 points.
    fetchOptions: { dispatcher: agent, redirect: 'error' } as object,
  });
}

function parseBaseUrl(baseUrl: string): URL {
  const url = URL.canParse(baseUrl) ? new URL(baseUrl) : null;
  if (url && /^https?:$/.test(url.protocol) && !url.username) return url;
  throw new ConfigError(
    'OPENAI_BASE_URL is no usable URL; write it like https://api.openai.com/v1, without a user or password.',
  );
}

function checkApiKey(apiKey: string | undefined, openaiApi: boolean): string {
  const key = apiKey?.trim();
  if (!key) {
    // The SDK wants one; servers that need none don't look at it.
    if (!openaiApi) return 'none';
    throw new ConfigError('OPENAI_API_KEY is not set; set it, or OPENAI_BASE_URL for another server.');
  }
  if (/^[\x21-\x7e]+$/.test(key)) return key;
  throw new ConfigError('OPENAI_API_KEY holds spaces or characters that no header can carry; copy it again.');
}
