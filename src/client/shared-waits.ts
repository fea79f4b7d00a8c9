import type { JobRecord } from '../job';
import type { Scope } from './scope';
import { type Wanted, waitForRecord } from './wait';

/** One caller of many: ten thousand may wait, so each is no more than it needs to be told. */
interface Waiter {
  tell(record: JobRecord): void;
  fail(reason: unknown): void;
}

interface SharedWait {
  waiters: Set<Waiter>;
  stop: AbortController;
}

/** One wait a job, however many callers want its answer; it ends when the last of them has left. */
export class SharedWaits {
  private readonly waits = new Map<string, SharedWait>();

  constructor(private readonly scope: Scope) {}

  /** @throws the signal's reason where it aborts first; the wait goes on for the others */
  async wait(wanted: Wanted, signal: AbortSignal | undefined): Promise<JobRecord> {
    signal?.throwIfAborted();
    const name = `${wanted.key} ${wanted.staleToken ?? ''} ${wanted.isOpen ?? ''}`;
    const shared = this.waits.get(name) ?? this.begin(name, wanted);
    // not awaited: this call's own frame would stay as long as the wait
    return new Promise((done, failed) => {
      const leave = () => {
        shared.waiters.delete(waiter);
        if (shared.waiters.size === 0) this.end(name, shared);
        failed(signal!.reason);
      };
      const waiter: Waiter = {
        tell(record) {
          signal?.removeEventListener('abort', leave);
          done(record);
        },
        fail(reason) {
          signal?.removeEventListener('abort', leave);
          failed(reason);
        },
      };
      shared.waiters.add(waiter);
      signal?.addEventListener('abort', leave, { once: true });
    });
  }

  private begin(name: string, wanted: Wanted): SharedWait {
    const shared: SharedWait = { waiters: new Set(), stop: new AbortController() };
    const record = waitForRecord(this.scope, wanted, shared.stop.signal) as Promise<JobRecord>;
    // one listener for all: one of each caller's own would stay with the job when he leaves
    record.then(
      (found) => this.close(name, shared, (waiter) => waiter.tell(found)),
      (reason) => this.close(name, shared, (waiter) => waiter.fail(reason)),
    );
    this.waits.set(name, shared);
    return shared;
  }

  private close(name: string, shared: SharedWait, answer: (waiter: Waiter) => void): void {
    this.forget(name, shared);
    for (const waiter of shared.waiters) answer(waiter);
    shared.waiters.clear();
  }

  /** The last one has left. */
  private end(name: string, shared: SharedWait): void {
    shared.stop.abort();
    this.forget(name, shared);
  }

  private forget(name: string, shared: SharedWait): void {
    if (this.waits.get(name) === shared) this.waits.delete(name);
  }
}
