import type { JobLog } from '../log';
import type { Clock } from '../once/clock';
import type { OnceEvent } from '../once/env';
import type { Policy } from '../once/policy';
import type { Provider } from '../provider/provider';
import type { ResultStore } from '../store/store';
import type { TaskRegistry } from '../tasks/registry';

/** What the activities need. Everything is injected, so that tests and users can give their own. */
export interface ActivityDeps {
  store: ResultStore;
  provider: Provider;
  tasks: TaskRegistry;
  /** Times and policies of jobs whose task has none of its own. */
  policy: Policy;
  heartbeatTimeoutMs: number;
  /** Replaces the model of every task. */
  model?: string;
  /** Whether the namespace has the search attributes. */
  hasSearchAttributes: boolean;
  /**
   * Deletes the history of a job once its run has closed: called for a run that met a tombstone, whose
   * input nobody would erase. Absent: that is left to the namespace's retention.
   */
  eraseHistory?(key: string): Promise<void>;
  /**
   * Aborts when the worker was told to stop and its grace is over. Of the SDK an attempt hears of the first
   * end only: one that Temporal has given up would never learn of this one.
   */
  shutdown?: AbortSignal;
  log: JobLog;
  /** Told of each step in a job's life, as the log is; for counting. Must not throw. */
  onEvent?(event: OnceEvent): void;
  clock?: Clock;
}

export type { JobLog };
