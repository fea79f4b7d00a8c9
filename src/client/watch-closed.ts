import { type Client, type Connection, isGrpcServiceError } from '@temporalio/client';
import { temporal } from '@temporalio/proto';
import { guard } from './guard';

const { HISTORY_EVENT_FILTER_TYPE_CLOSE_EVENT } = temporal.api.enums.v1.HistoryEventFilterType;
const NOT_FOUND = 5;

/**
 * Resolves when the latest run has closed, or there is none; stops asking when `left` aborts. Whoever stops waiting has
 * to abort it: a poll that is left behind finds the connection closed, and crashes on it. (So does one that the SDK is
 * about to send again after a failure, which no abort reaches.)
 *
 * The testing environment lets time skip while somebody waits, by an unlock and a lock around it: an abort that hit one
 * of these would leave time unlocked for good, so it reaches the polls alone.
 *
 * @throws UnreachableError where Temporal is away
 */
export async function watchUntilClosed(client: Client, key: string, left: AbortSignal): Promise<void> {
  const { testService } = timeOf(client);
  await testService?.unlockTimeSkipping({});
  try {
    await guard(pollUntilClosed(client, key, left));
  } finally {
    await testService?.lockTimeSkipping({});
  }
}

/** Whether time skips while somebody watches a run, as in the testing environment. */
export function hasSkippedTime(client: Client): boolean {
  return timeOf(client).testService != null;
}

function timeOf(client: Client): Pick<Connection, 'testService'> {
  return client.workflow as unknown as Pick<Connection, 'testService'>;
}

/** As the SDK's `result` polls, but for what a wait of days needs: nothing stays of a poll that has ended. */
async function pollUntilClosed(client: Client, workflowId: string, left: AbortSignal): Promise<void> {
  const request = {
    ...{ namespace: client.options.namespace, skipArchival: true, waitNewEvent: true },
    historyEventFilterType: HISTORY_EVENT_FILTER_TYPE_CLOSE_EVENT,
  };
  for (let runId: string | undefined, nextPageToken: Uint8Array | undefined; ; ) {
    left.throwIfAborted();
    const ask = () =>
      client.workflowService.getWorkflowExecutionHistory({
        ...request,
        execution: { workflowId, runId },
        nextPageToken,
      });
    const reply = await withOwnSignal(client, left, ask).catch(orNone);
    const end = reply?.history?.events?.[0];
    const next = end && nextRunOf(end);
    if (!reply || (end && !next)) return;
    // an empty page: the poll's time is over; the next one goes on from there
    runId = next || runId;
    nextPageToken = next ? undefined : reply.nextPageToken;
  }
}

/** The run that goes on with the job: continued as new, or where a plain client asked for it by a policy of retries. */
function nextRunOf(end: temporal.api.history.v1.IHistoryEvent): string | null | undefined {
  return (
    end.workflowExecutionContinuedAsNewEventAttributes ??
    end.workflowExecutionCompletedEventAttributes ??
    end.workflowExecutionFailedEventAttributes ??
    end.workflowExecutionTimedOutEventAttributes
  )?.newExecutionRunId;
}

/** Each request adds a listener to its signal that is never taken off, and holds the request: so each has a signal of its own. */
async function withOwnSignal<T>(client: Client, left: AbortSignal, ask: () => Promise<T>): Promise<T> {
  const own = new AbortController();
  const abort = () => own.abort();
  left.addEventListener('abort', abort, { once: true });
  try {
    return await client.withAbortSignal(own.signal, ask);
  } finally {
    left.removeEventListener('abort', abort);
  }
}

function orNone(error: unknown): null {
  if (isGrpcServiceError(error) && error.code === NOT_FOUND) return null;
  throw error;
}
