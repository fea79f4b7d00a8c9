import { Client, Connection, type ConnectionOptions, type WorkflowHandle } from '@temporalio/client';
import { temporal } from '@temporalio/proto';
import type { Decide, ResultStore } from '../../src/store/store';

/** What was asked of a store. */
export interface StoreCounts {
  /** Look-ups: reads, and updates that wrote nothing. */
  looks: number;
  /** Durable writes. */
  writes: number;
}

/** A store that counts what is asked of it. */
export function countingStore(inner: ResultStore): ResultStore & { counts: StoreCounts } {
  const counts: StoreCounts = { looks: 0, writes: 0 };
  return Object.assign(Object.create(inner) as ResultStore, {
    counts,
    read(key: string) {
      counts.looks += 1;
      return inner.read(key);
    },
    async update<T>(key: string, decide: Decide<T>) {
      let hasWritten = false;
      const returns = await inner.update<T>(key, (job, now) => {
        const change = decide(job, now);
        hasWritten = change.job !== undefined;
        return change;
      });
      counts[hasWritten ? 'writes' : 'looks'] += 1;
      return returns;
    },
  });
}

type Interceptor = NonNullable<ConnectionOptions['interceptors']>[number];

/** A Temporal client that counts its calls over the wire, by their name. */
export interface CountingClient {
  client: Client;
  calls: Record<string, number>;
  close(): Promise<void>;
}

/** @param address - of the server */
export async function connectCounting(address: string): Promise<CountingClient> {
  const calls: Record<string, number> = {};
  const connection = await Connection.connect({
    address,
    interceptors: [
      (options, nextCall) => {
        const name = options.method_definition.path.split('/').at(-1)!;
        calls[name] = (calls[name] ?? 0) + 1;
        return nextCall(options) as ReturnType<Interceptor>;
      },
    ],
  });
  return { client: new Client({ connection }), calls, close: () => connection.close() };
}

/** What a run has left in Temporal. */
export interface RunCounts {
  /** Names of its events, in their order. */
  events: string[];
  /** What Temporal Cloud counts and history shows: starts, activities, timers, signals, updates, upserts. */
  actions: number;
  historyBytes: number;
}

const ACTIONS = new Set([
  'WORKFLOW_EXECUTION_STARTED',
  'ACTIVITY_TASK_SCHEDULED',
  'TIMER_STARTED',
  'WORKFLOW_EXECUTION_SIGNALED',
  'WORKFLOW_EXECUTION_UPDATE_ACCEPTED',
  'UPSERT_WORKFLOW_SEARCH_ATTRIBUTES',
]);

export async function countRun(handle: WorkflowHandle): Promise<RunCounts> {
  const { events } = await handle.fetchHistory();
  const { raw } = await handle.describe();
  const names = (events ?? []).map(({ eventType }) =>
    temporal.api.enums.v1.EventType[eventType!]!.replace('EVENT_TYPE_', ''),
  );
  return {
    events: names,
    actions: names.filter((name) => ACTIONS.has(name)).length,
    historyBytes: Number(raw.workflowExecutionInfo?.historySizeBytes ?? 0),
  };
}
