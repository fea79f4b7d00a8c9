import type { Clock } from '../../src/once/clock';

interface Timer {
  at: number;
  every: number | null;
  run: () => void;
}

/** A process's clock and timers that go on only when a test says so. */
export class SteppedClock implements Clock {
  private now = 0;
  private readonly timers = new Set<Timer>();

  /** The wall clock of the same machine, for a store. */
  readonly wall = (): number => 1_700_000_000_000 + this.now;

  monotonic(): number {
    return this.now;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.set(ms, null, resolve);
      const leave = () => {
        this.timers.delete(timer);
        resolve();
      };
      if (signal?.aborted) leave();
      signal?.addEventListener('abort', leave, { once: true });
    });
  }

  every(ms: number, run: () => void): () => void {
    const timer = this.set(ms, ms, run);
    return () => this.timers.delete(timer);
  }

  /** Lets time pass: each timer goes off at its moment, and what it began is done before the next. */
  async pass(ms: number): Promise<void> {
    const until = this.now + ms;
    await turn();
    for (let next = this.due(until); next; next = this.due(until)) {
      this.now = next.at;
      if (next.every === null) this.timers.delete(next);
      else next.at += next.every;
      next.run();
      await turn();
    }
    this.now = until;
  }

  private set(ms: number, every: number | null, run: () => void): Timer {
    const timer = { at: this.now + ms, every, run };
    this.timers.add(timer);
    return timer;
  }

  private due(until: number): Timer | undefined {
    return [...this.timers].filter(({ at }) => at <= until).sort((a, b) => a.at - b.at)[0];
  }
}

/** Lets every promise that can go on do so. */
const turn = (): Promise<void> => new Promise((done) => setImmediate(done));
