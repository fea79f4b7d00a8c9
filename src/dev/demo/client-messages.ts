import type { HistoryEvent } from '../check-history';

/** What a client process tells its parent. */
export type ClientMessage =
  /** It is connected and waits for the word to begin. */
  | { type: 'ready' }
  /** What became of one of its submissions. */
  | Extract<HistoryEvent, { type: 'acknowledged' | 'answered' | 'unanswered' }>
  /** All of its submissions have ended. */
  | { type: 'done' };

/** What a client process is told as its argument, in JSON. */
export interface ClientTask {
  /** 0 or 1. */
  client: number;
  jobs: number;
  /** Longest wait for one answer. */
  timeoutMs: number;
}
