import { writeSync } from 'node:fs';
import { Context } from '@temporalio/activity';
import type { PayloadCodec } from '@temporalio/common';
import type { LookUp, Operations } from '../../src/once/outcome';
import type { Provider } from '../../src/provider/provider';
import type { ResultStore, StoredJob } from '../../src/store/store';
import type { JobActivities } from '../../src/workflows/contract';
import type { CrashHow, Failpoint, RecordPoint } from './crash-points';

/** Called wherever a point is passed; at the chosen one the process dies, freezes, or the step throws. */
export type Reach = (point: Failpoint) => void;

/** A failpoint that acts the first `times` that `chosen` is passed. With no point chosen it never does. */
export function failpoint(chosen: string | undefined, how: CrashHow, times: number): Reach {
  let left = times;
  return (point) => {
    if (point !== chosen || left === 0) return;
    left -= 1;
    // synchronous: it is out before the process can die
    writeSync(1, `at ${point}\n`);
    if (how === 'throw') throw new Error(`thrown on purpose at ${point}`);
    process.kill(process.pid, how === 'kill' ? 'SIGKILL' : 'SIGSTOP');
  };
}

/** What these activities write is an operator's, and not a call's. */
const WRITES: Record<string, RecordPoint> = { decideDoubt: 'after_decide', cancelJob: 'after_cancel' };

/** The store, with points around the write of a claim, of a result, of a decision and of a cancel. */
export function withStorePoints(store: ResultStore, reach: Reach): ResultStore {
  return {
    id: store.id,
    encryption: store.encryption,
    read: (key) => store.read(key),
    readBlob: (key, name) => store.readBlob(key, name),
    list: (filter) => store.list(filter),
    remove: (rows) => store.remove(rows),
    stats: () => store.stats(),
    close: () => store.close(),
    async update(key, decide) {
      let step: 'claim' | 'save' | null = null;
      let isOperation = false;
      let isWritten = false;
      const returns = await store.update(key, (row, now) => {
        const change = decide(row, now);
        step = stepOf(row, change.job);
        isWritten = change.job !== undefined;
        isOperation = operations(change.job) > operations(row);
        // the first decision is over a snapshot, before any lock is taken: nothing is written yet
        if (step) reach(`before_${step}`);
        return change;
      });
      if (step) reach(`after_${step}`);
      if (isOperation) reach('after_operation_saved');
      const written = isWritten && WRITES[Context.current().info.activityType];
      if (written) reach(written);
      return returns;
    },
  };
}

function stepOf(before: StoredJob | null, after: StoredJob | undefined): 'claim' | 'save' | null {
  if (!after || after.status === before?.status) return null;
  if (after.status === 'IN_PROGRESS') return 'claim';
  return after.status === 'COMPLETED' ? 'save' : null;
}

function operations(row: StoredJob | null | undefined): number {
  return row?.calls.filter((call) => call.operation !== undefined).length ?? 0;
}

/** The provider, with points around the call. */
export function withProviderPoints(provider: Provider, reach: Reach): Provider {
  return {
    ...provider,
    async send(task, request, context) {
      reach('before_send');
      const outcome = await provider.send(task, request, context);
      reach('after_answer');
      return outcome;
    },
    background(task, request) {
      const start = provider.background?.(task, request);
      if (!start) return null;
      return async (context) => {
        reach('before_send');
        const outcome = await start(context);
        reach('after_operation_started');
        return outcome;
      };
    },
    operations: (task) => withPollPoint(provider.operations!(task), reach),
    lookUp: (task) => withFoundPoint(provider.lookUp(task), reach),
  };
}

/** A look-up that finds an answer has it as a call has. */
function withFoundPoint(lookUp: LookUp | null, reach: Reach): LookUp | null {
  if (!lookUp) return null;
  return async (question) => {
    const found = await lookUp(question);
    if (found.length > 0) reach('after_answer');
    return found;
  };
}

/** A poll that finds an answer has it as a call has. */
function withPollPoint(operations: Operations, reach: Reach): Operations {
  return {
    ...operations,
    async poll(operation, signal) {
      const polled = await operations.poll(operation, signal);
      if (polled.kind === 'answered') reach('after_answer');
      return polled;
    },
  };
}

/** The activities, with a point before `infer` tells Temporal its outcome, and one before the last look. */
export function withActivityPoints(activities: JobActivities, reach: Reach): JobActivities {
  return {
    ...activities,
    async infer(request) {
      const outcome = await activities.infer(request);
      reach('before_report');
      return outcome;
    },
    async readRecord(request) {
      reach('before_reread');
      return activities.readRecord(request);
    },
  };
}

/**
 * Changes no payload, but sees those that come in: `infer`'s outcome reaches this process in a workflow
 * task, so Temporal has it in history by then, and the run has not ended yet.
 */
export function codecWithPoint(reach: Reach): PayloadCodec {
  return {
    encode: async (payloads) => payloads,
    async decode(payloads) {
      for (const { data } of payloads) {
        if (data && Buffer.from(data).includes('"kind":"settled"')) reach('before_workflow_completes');
      }
      return payloads;
    },
  };
}
