import { writeSync } from 'node:fs';
import type { PayloadCodec } from '@temporalio/common';
import type { Provider } from '../../src/provider/provider';
import type { ResultStore, StoredJob } from '../../src/store/store';
import type { JobActivities } from '../../src/workflows/contract';
import type { CrashHow, CrashPoint } from './crash-points';

/** Called wherever a point is passed; at the chosen one the process dies, freezes, or the step throws. */
export type Reach = (point: CrashPoint) => void;

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

/** The store, with points around the write of a claim and of a result. */
export function withStorePoints(store: ResultStore, reach: Reach): ResultStore {
  return {
    id: store.id,
    read: (key) => store.read(key),
    readBlob: (key, name) => store.readBlob(key, name),
    list: (filter) => store.list(filter),
    stats: () => store.stats(),
    close: () => store.close(),
    async update(key, decide) {
      let step: 'claim' | 'save' | null = null;
      const returns = await store.update(key, (row, now) => {
        const change = decide(row, now);
        step = stepOf(row, change.job);
        // the first decision is over a snapshot, before any lock is taken: nothing is written yet
        if (step) reach(`before_${step}`);
        return change;
      });
      if (step) reach(`after_${step}`);
      return returns;
    },
  };
}

function stepOf(before: StoredJob | null, after: StoredJob | undefined): 'claim' | 'save' | null {
  if (!after || after.status === before?.status) return null;
  if (after.status === 'IN_PROGRESS') return 'claim';
  return after.status === 'COMPLETED' ? 'save' : null;
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
  };
}

/** The activities, with a point before `infer` tells Temporal its outcome. */
export function withActivityPoints(activities: JobActivities, reach: Reach): JobActivities {
  return {
    ...activities,
    async infer(request) {
      const outcome = await activities.infer(request);
      reach('before_report');
      return outcome;
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
