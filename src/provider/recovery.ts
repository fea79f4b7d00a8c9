import { setMaxListeners } from 'node:events';
import type OpenAI from 'openai';
import { UnreachableError } from '../errors';
import type { FoundAnswer, LookUp } from '../once/outcome';
import type { RecoverySetting, Task } from '../tasks/task';
import { answerOutcome } from './answer';
import { readCauseCodes } from './fault';

/** What recovery comes to for one task at one provider. */
export type Recovery = 'stored' | 'background' | 'none';

const LOOK_UP_TIMEOUT_MS = 10_000;
const PAGE_SIZE = 100;
/** A job has a handful of calls; more pages than this means that the provider ignores the filter. */
const MAX_PAGES = 20;

/** A completion as the provider's store shows it. */
interface StoredCompletion {
  id: string;
  created?: number;
  request_id?: string;
  metadata?: Record<string, string> | null;
  choices?: unknown;
}

interface Page {
  data?: StoredCompletion[];
  has_more?: boolean;
}

/** An answer that is no list of completions, or a list without end. */
class UnreadableAnswer extends Error {
  override readonly name = 'unreadable answer';
}

/**
 * The recovery in force: the task's own setting, else the configured one; `auto` is `stored` for the
 * OpenAI API itself, `none` for every other base URL. A task that speaks for one endpoint has what that
 * endpoint allows: completions `stored`, responses `background`.
 */
export function effectiveRecovery(
  task: Pick<Task, 'recovery' | 'endpoint'> | undefined,
  configured: RecoverySetting,
  openaiApi: boolean,
): Recovery {
  const setting = task?.recovery ?? configured;
  const usual = openaiApi ? 'stored' : 'none';
  const recovery = setting === 'auto' ? usual : setting;
  // responses can't be listed, and a completion can't run in the background: it is kept there all the same
  if (task?.endpoint === 'responses' && recovery === 'stored') return 'none';
  if (task?.endpoint === 'chat.completions' && recovery === 'background') return 'stored';
  return recovery;
}

/**
 * A look-up of stored completions for one task: by the metadata that was sent along, judged as an answer
 * to a call is.
 */
export function storedLookUp(client: OpenAI, task: Task, baseUrl: string): LookUp {
  return async ({ key, callIds, signal }) => {
    const found = await listStored(client, key, callIds, signal);
    return found.map(({ callId, completion }): FoundAnswer => {
      const requestId = completion.request_id ?? null;
      return { call_id: callId, outcome: answerOutcome(task, completion, { requestId, baseUrl }) };
    });
  };
}

/**
 * Deletes the stored completions of these calls; those that are gone already don't matter.
 *
 * @throws UnreachableError where the provider can't be asked or refuses
 */
export async function deleteStored(client: OpenAI, key: string, callIds: string[]): Promise<void> {
  for (const { completion } of await listStored(client, key, callIds)) {
    await askProvider(undefined, async (options) => {
      await client.chat.completions.delete(completion.id, options).catch(ignoreStatus(404));
    });
  }
}

/**
 * The stored completions of these calls, oldest first.
 *
 * Call ids decide, not the job's id: staging and production may share an account and both have a job "1".
 */
async function listStored(client: OpenAI, key: string, callIds: string[], signal?: AbortSignal) {
  if (callIds.length === 0) return [];
  const stored = await askProvider(signal, async (options) => {
    const listed = await listAll(client, key, options);
    const whole: StoredCompletion[] = [];
    for (const item of listed) whole.push(isWhole(item) ? item : await retrieve(client, item, options));
    return whole.filter(isWhole);
  });
  return stored
    .map((completion) => ({ callId: completion.metadata?.call_id ?? '', completion }))
    .filter(({ callId }) => callIds.includes(callId))
    .sort((a, b) => (a.completion.created ?? 0) - (b.completion.created ?? 0));
}

export type AskOptions = { signal: AbortSignal; maxRetries: 0 };

/** The SDK's own list takes any answer without `data`, an HTML page say, for an empty one; hence its `get`. */
async function listAll(client: OpenAI, key: string, options: AskOptions): Promise<StoredCompletion[]> {
  const all: StoredCompletion[] = [];
  for (let pages = 0; pages < MAX_PAGES; pages++) {
    const query = { metadata: { job_id: key }, limit: PAGE_SIZE, order: 'asc', after: all.at(-1)?.id };
    const page = await client.get<Page | string | null>('/chat/completions', { query, ...options });
    if (typeof page !== 'object' || !Array.isArray(page?.data)) throw new UnreadableAnswer();
    all.push(...page.data);
    if (!page.has_more || page.data.length === 0) return all;
  }
  throw new UnreadableAnswer();
}

/** Some servers list without the messages or the metadata; what is asked for by id has them. */
function isWhole(completion: StoredCompletion): boolean {
  return Array.isArray(completion.choices) && completion.choices.length > 0 && !!completion.metadata;
}

async function retrieve(
  client: OpenAI,
  item: StoredCompletion,
  options: AskOptions,
): Promise<StoredCompletion> {
  const completion = await client.chat.completions.retrieve(item.id, options).catch(ignoreStatus(404));
  return (completion as unknown as StoredCompletion | undefined) ?? item;
}

/** For `catch`: takes these statuses for "nothing there". */
export function ignoreStatus(...statuses: number[]): (error: unknown) => undefined {
  return (error) => {
    if (!statuses.includes((error as { status?: number }).status ?? 0)) throw error;
  };
}

/**
 * Asks within a look-up's own time-out.
 *
 * @throws UnreachableError, whatever goes wrong, without the provider's words
 */
export async function askProvider<T>(
  signal: AbortSignal | undefined,
  question: (options: AskOptions) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  // The SDK adds a listener for each page and never takes it off.
  setMaxListeners(0, controller.signal);
  const abort = () => controller.abort();
  const timer = setTimeout(abort, LOOK_UP_TIMEOUT_MS);
  signal?.addEventListener('abort', abort, { once: true });
  if (signal?.aborted) abort();
  try {
    return await question({ signal: controller.signal, maxRetries: 0 });
  } catch (cause) {
    const status = (cause as { status?: unknown }).status;
    const noStatus = controller.signal.aborted ? 'no answer in time' : readCauseCodes(cause).at(-1);
    const why = typeof status === 'number' ? `status ${status}` : noStatus;
    // No cause: a logger would print it, and the provider's message may quote the key.
    throw new UnreachableError('provider', `The provider can't be asked for stored answers now (${why}).`);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', abort);
  }
}
