import type { ResultStore } from '../store/store';
import type { Clock } from './clock';

/** The world that a run needs; a simulator gives another. */
export interface OnceEnv {
  store: ResultStore;
  clock: Clock;
  /** Random, one a claim. */
  newCallId(): string;
  /** Told of each step in a job's life, for logs and metrics. Must not throw. */
  onEvent(event: OnceEvent): void;
}

/** A step in a job's life. Holds no prompt, result or key. */
export interface OnceEvent {
  event:
    | 'claimed'
    | 'sent'
    | 'started'
    | 'completed'
    | 'replayed'
    | 'late'
    | 'recovered'
    | 'in_doubt'
    | 'released'
    | 'failed'
    | 'canceled'
    | 'unsent'
    | 'lease_lost'
    | 'look_up_failed'
    | 'cancel_failed'
    | 'store_away'
    | 'rerun'
    | 'decided';
  key: string;
  call_id?: string;
  attempt?: number;
  request_id?: string | null;
  status?: string;
  reason?: string;
}
