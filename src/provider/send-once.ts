import type OpenAI from 'openai';
import type { Agent } from 'undici';
import { formatDuration } from '../duration';
import type { Outcome, SendContext } from '../once/outcome';
import { toFault } from './fault';
import { openWire } from './wire';

/** The SDK's own timer has to be the later one, for ours knows what it means. */
const SDK_TIMEOUT_MARGIN_MS = 60_000;

/** What came of one request: a body of the expected shape, or why there is none. */
export type Sent =
  | { body: object; requestId: string | null }
  | { fault: ReturnType<typeof toFault> }
  | Extract<Outcome, { kind: 'unknown' | 'not_executed' }>;

/** One POST by the SDK, with these options. */
export type Post = (options: OpenAI.RequestOptions) => { asResponse(): Promise<Response> };

/**
 * Sends one request, once.
 *
 * @param isExpected - whether a 2xx body, parsed, is an answer at all
 * @param timeoutMs - the longest it may take
 */
export async function sendOnce(
  agent: Agent,
  post: Post,
  isExpected: (body: unknown) => body is object,
  ctx: SendContext,
  timeoutMs: number,
): Promise<Sent> {
  const wire = openWire(agent);
  const stop = stopSignal(ctx.signal, timeoutMs);
  let status: number | undefined;
  try {
    const response = await post({
      signal: stop.signal,
      maxRetries: 0,
      timeout: timeoutMs + SDK_TIMEOUT_MARGIN_MS,
      headers: { 'Idempotency-Key': ctx.idempotencyKey },
      fetchOptions: { dispatcher: wire.dispatcher } as object,
    }).asResponse();
    status = response.status;
    const body: unknown = JSON.parse(await response.text());
    if (!isExpected(body)) return { fault: { phase: 'response', status, causeCodes: [] } };
    return { body, requestId: response.headers.get('x-request-id') };
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
