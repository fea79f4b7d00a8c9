import { EventEmitter, once } from 'node:events';
import type { CallInFlight, OfflineState } from './protocol';

/** What is under way in the offline model, counted, with a version that readers can wait on. */
export class Traffic {
  private version = 0;
  private readonly counts = {
    requests: 0,
    lists: 0,
    polls: 0,
    cancels: 0,
    billed: 0,
    answered: 0,
    stored: 0,
  };
  private readonly inFlight = new Set<CallInFlight>();
  private readonly held = new Map<CallInFlight, () => void>();
  private readonly changes = new EventEmitter().setMaxListeners(0);

  /** Adds one to a count. */
  count(what: 'requests' | 'lists' | 'polls' | 'cancels' | 'billed' | 'answered'): void {
    this.counts[what] += 1;
    this.changed();
  }

  /** Says how many completions and responses are stored now. */
  setStored(size: number): void {
    this.counts.stored = size;
    this.changed();
  }

  /** Notes a call as under way until the returned function is called. */
  begin(call: CallInFlight): () => void {
    this.inFlight.add(call);
    this.changed();
    return () => {
      this.inFlight.delete(call);
      this.changed();
    };
  }

  /** Holds a call until {@link release} names its job, or the signal aborts. */
  hold(call: CallInFlight, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      this.held.set(call, resolve);
      signal?.addEventListener('abort', () => {
        this.held.delete(call);
        this.changed();
        resolve();
      });
      this.changed();
    });
  }

  /** Lets held calls go on: those of one job, or all. Returns how many. */
  release(jobId?: string): number {
    const chosen = [...this.held].filter(([call]) => jobId === undefined || call.job_id === jobId);
    for (const [call, goOn] of chosen) {
      this.held.delete(call);
      goOn();
    }
    this.changed();
    return chosen.length;
  }

  /** The state as it is now. */
  snapshot(): OfflineState {
    const { version, counts, inFlight, held } = this;
    return { version, ...counts, in_flight: [...inFlight], held: [...held.keys()] };
  }

  /** Waits until the version is above `after`, but no longer than the signal allows. */
  async waitForChange(after: number, signal: AbortSignal): Promise<void> {
    while (this.version <= after && !signal.aborted) {
      await once(this.changes, 'change', { signal }).catch(() => undefined);
    }
  }

  private changed(): void {
    this.version += 1;
    this.changes.emit('change');
  }
}
