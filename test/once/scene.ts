import { type Clock, systemClock } from '../../src/once/clock';
import type { OnceEvent } from '../../src/once/env';
import type { Answered, Operations, Outcome, Polled, SendContext, Started } from '../../src/once/outcome';
import type { Policy } from '../../src/once/policy';
import { type OnceJob, type OnceResult, runOnce } from '../../src/once/run';
import { openMemoryStore } from '../../src/store/memory';
import type { ResultStore, StoredJob } from '../../src/store/store';

export const TEST_POLICY: Policy = {
  ...{ onUnknown: 'hold', holdForMs: null, holdThen: 'fail', callTimeoutMs: 20_000, leaseMs: 3_000 },
  ...{ settleMs: 4_000, deadlineMs: 3_600_000, retryAfterCapMs: 3_600_000 },
};
export const KEY = 'job';
export const SEED = { key: KEY, task: 'enrich', task_version: '1', input_digest: 'd', input_json: '{}' };
export const ANSWER: Answered = {
  ...{ kind: 'answered', result: 7, usage: null, cost_usd: null, model: null, request_id: 'resp_1' },
};

/** One job at a provider that is told what to say. */
export class Scene {
  store: ResultStore = openMemoryStore();
  clock: Clock = systemClock;
  readonly canceled = new AbortController();
  readonly shutdown = new AbortController();
  readonly stopped: string[] = [];
  readonly events: OnceEvent['event'][] = [];
  /** How many calls were sent, or started. */
  starts = 0;
  /** What happens between the request and its answer. */
  meanwhile: (context: SendContext) => Promise<unknown> = async () => undefined;
  /** What a call comes to that the provider is to run by itself; one whose request is aborted first is unknown. */
  started: Started | Outcome = { kind: 'started', operation: 'resp_1' };
  polled: Polled = { kind: 'running' };
  checks = 0;

  readonly operations: Operations = {
    poll: async () => this.polled,
    cancel: async (operation) => void this.stopped.push(operation),
  };

  run(change: Partial<OnceJob> = {}): Promise<OnceResult> {
    const env = {
      store: this.store,
      clock: this.clock,
      newCallId: () => `call-${this.starts}`,
      onEvent: ({ event }: OnceEvent) => void this.events.push(event),
    };
    const start = async (context: SendContext): Promise<Started | Outcome> => {
      this.starts += 1;
      await this.meanwhile(context);
      return context.signal.aborted ? { kind: 'unknown', reason: 'aborted' } : this.started;
    };
    return runOnce(env, {
      ...{ seed: SEED, permit: undefined, policy: TEST_POLICY, checks: this.checks, lookUp: null },
      prepare: async () => ({ start, send: () => Promise.reject(new Error('it is never sent as well')) }),
      operations: this.operations,
      canceled: this.canceled.signal,
      shutdown: this.shutdown.signal,
      ...change,
    });
  }

  /** The same, with calls whose answer this process waits for. */
  runSent(outcome: Outcome | (() => Outcome), change: Partial<OnceJob> = {}): Promise<OnceResult> {
    const send = async (context: SendContext): Promise<Outcome> => {
      this.starts += 1;
      await this.meanwhile(context);
      return typeof outcome === 'function' ? outcome() : outcome;
    };
    return this.run({ operations: null, prepare: async () => ({ send }), ...change });
  }

  async row(): Promise<StoredJob> {
    return (await this.store.read(KEY)).job!;
  }

  /** The store, with something that happens just after a write of one kind was made. */
  afterWrite(made: (before: StoredJob | null, after: StoredJob) => boolean, act: () => unknown): void {
    const { store } = this;
    this.store = Object.assign(Object.create(store) as ResultStore, {
      update: async (...[key, decide]: Parameters<ResultStore['update']>) => {
        let isMade = false;
        const answer = await store.update(key, (row, now) => {
          const change = decide(row, now);
          isMade = change.job !== undefined && made(row, change.job);
          return change;
        });
        if (isMade) await act();
        return answer;
      },
    });
  }
}
