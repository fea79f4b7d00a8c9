import { setImmediate as nextTurn, setTimeout as pause } from 'node:timers/promises';

const FIRST_PAUSE_MS = 5;
const LONGEST_PAUSE_MS = 100;

interface Waiting {
  /** Runs the step: null when it is over, well or badly, else what the lock said. */
  attempt: () => { locked: unknown } | null;
  fail: (reason: unknown) => void;
  deadline: number;
}

/**
 * Runs synchronous steps that may meet another process's lock. A step that does is tried again later,
 * without holding up the event loop, and the steps after it queue up behind: else each of a hundred
 * would sit out the lock's own short time-out in turn, and the process's heartbeats would stop.
 *
 * @example
 * const lane = new Lane(isLocked, 10_000);
 * const row = await lane.run(() => select.get(key));
 */
export class Lane {
  private readonly queue: Waiting[] = [];
  private draining = false;

  /**
   * @param isLocked - tells whether an error means that a lock is held and trying again can help
   * @param limitMs - how long a step is tried; then its promise rejects with the last such error
   */
  constructor(
    private readonly isLocked: (error: unknown) => boolean,
    private readonly limitMs: number,
  ) {}

  /** Runs a step, at once where nobody waits. Its other errors reject the promise and are not tried again. */
  run<T>(step: () => T): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const attempt = () => {
        try {
          resolve(step());
        } catch (e) {
          if (this.isLocked(e)) return { locked: e };
          reject(e);
        }
        return null;
      };
      if (this.queue.length === 0 && attempt() === null) return;
      this.queue.push({ attempt, fail: reject, deadline: performance.now() + this.limitMs });
      if (!this.draining) void this.drain();
    });
  }

  private async drain(): Promise<void> {
    this.draining = true;
    let ms = FIRST_PAUSE_MS;
    await pause(ms);
    for (let head = this.queue[0]; head; head = this.queue[0]) {
      const met = head.attempt();
      if (met) {
        this.failOverdue(met.locked);
        ms = Math.min(ms * 2, LONGEST_PAUSE_MS);
        await pause(ms);
      } else {
        this.queue.shift();
        ms = FIRST_PAUSE_MS;
        // a long queue must not hold up the event loop either
        await nextTurn();
      }
    }
    this.draining = false;
  }

  private failOverdue(reason: unknown): void {
    const now = performance.now();
    while (this.queue[0] && this.queue[0].deadline <= now) this.queue.shift()?.fail(reason);
  }
}
