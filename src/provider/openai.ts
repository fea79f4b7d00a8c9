import OpenAI from 'openai';
import { type Agent, fetch as undiciFetch } from 'undici';
import { formatDuration } from '../duration';
import { ConfigError } from '../errors';
import type { Outcome, SendContext } from '../once/outcome';
import type { ChatRequest, RecoverySetting, Task } from '../tasks/task';
import { answerOutcome } from './answer';
import { classifyFault } from './classify';
import { toFault } from './fault';
import type { Provider } from './provider';
import { deleteStored, effectiveRecovery, storedLookUp } from './recovery';
import { openAgent, openWire } from './wire';

/** Of the OpenAI API itself. */
export const OPENAI_BASE_URL = 'https://api.openai.com/v1';
/** The SDK's own timer has to be the later one, for ours knows what it means. */
const SDK_TIMEOUT_MARGIN_MS = 60_000;

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
 * Chat Completions by the `openai` package, with everything off that could send a call twice: the SDK's
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
  const recoveryOf = (task?: Task) => effectiveRecovery(task, options.recovery, openaiApi);

  return {
    host,
    openaiApi,
    async send(task, request, ctx) {
      const body = recoveryOf(task) === 'stored' ? markForRecovery(request, ctx) : request;
      const outcome = await sendOnce(client, agent, body, ctx, task.callTimeoutMs ?? options.callTimeoutMs);
      if ('fault' in outcome) return classifyFault(outcome.fault, { openaiApi, now: Date.now() });
      if ('completion' in outcome) return answerOutcome(task, outcome.completion, { ...outcome, baseUrl });
      return outcome;
    },
    lookUp: (task) => (recoveryOf(task) === 'stored' ? storedLookUp(client, task, baseUrl) : null),
    async forget(key, callIds, task) {
      // The OpenAI API is asked in any case: the calls may be older than the setting.
      if (openaiApi || recoveryOf(task) === 'stored') await deleteStored(client, key, callIds);
    },
    close: () => agent.close(),
  };
}

/** Stored, and findable by this job and call; a request that says `store: false` itself is left alone. */
function markForRecovery(request: ChatRequest, { key, call_id }: SendContext): ChatRequest {
  if (request.store === false) return request;
  return { ...request, store: true, metadata: { ...request.metadata, job_id: key, call_id } };
}

type Sent =
  | { completion: object; requestId: string | null }
  | { fault: ReturnType<typeof toFault> }
  | Extract<Outcome, { kind: 'unknown' | 'not_executed' }>;

async function sendOnce(
  client: OpenAI,
  agent: Agent,
  body: ChatRequest,
  ctx: SendContext,
  timeoutMs: number,
): Promise<Sent> {
  const wire = openWire(agent);
  const stop = stopSignal(ctx.signal, timeoutMs);
  let status: number | undefined;
  try {
    const response = await client.chat.completions
      .create(body, {
        signal: stop.signal,
        maxRetries: 0,
        timeout: timeoutMs + SDK_TIMEOUT_MARGIN_MS,
        headers: { 'Idempotency-Key': ctx.idempotencyKey },
        fetchOptions: { dispatcher: wire.dispatcher } as object,
      })
      .asResponse();
    status = response.status;
    const completion: unknown = JSON.parse(await response.text());
    if (!looksLikeCompletion(completion)) return { fault: { phase: 'response', status, causeCodes: [] } };
    return { completion, requestId: response.headers.get('x-request-id') };
  } catch (error) {
    // A status, or a connection that never came about, says more than that we aborted meanwhile.
    const fault = toFault(error, wire.wasDispatched());
    if (fault.phase === 'response' || fault.phase === 'connect') return { fault };
    if (stop.signal.aborted) return abortOutcome(fault.phase === 'unsent', ctx.signal.aborted, timeoutMs);
    return { fault: status === undefined ? fault : { ...fault, phase: 'response', status } };
  } finally {
    stop.clear();
  }
}

function abortOutcome(unsent: boolean, byCaller: boolean, timeoutMs: number): Sent {
  if (unsent)
    return { kind: 'not_executed', reason: 'aborted', message: 'The call was aborted before it was sent.' };
  return { kind: 'unknown', reason: byCaller ? 'aborted' : `no answer within ${formatDuration(timeoutMs)}` };
}

/** Some gateways answer 200 with `{error: …}`: whether that was paid for, nobody can tell. */
function looksLikeCompletion(value: unknown): value is object {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  return 'choices' in value || !('error' in value);
}

/** Aborts with the caller's signal or after the call's own time; `clear` when the call is over. */
function stopSignal(caller: AbortSignal, timeoutMs: number): { signal: AbortSignal; clear: () => void } {
  const controller = new AbortController();
  const abort = () => controller.abort();
  const timer = setTimeout(abort, timeoutMs);
  caller.addEventListener('abort', abort, { once: true });
  if (caller.aborted) abort();
  return {
    signal: controller.signal,
    clear() {
      clearTimeout(timer);
      caller.removeEventListener('abort', abort);
    },
  };
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
