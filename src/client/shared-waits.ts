import type { JobRecord } from '../job';
import { leaveOn } from './leave';
import type { Scope } from './scope';
import { type Wanted, waitForRecord } from './wait';

interface SharedWait {
  record: Promise<JobRecord>;
  waiters: number;
  stop: AbortController;
}

/** One wait a job, however many callers want its answer; it ends when the last of them has left. */
export class SharedWaits {
  private readonly waits = new Map<string, SharedWait>();

  constructor(private readonly scope: Scope) {}

  /** @throws the signal's reason where it aborts first; the wait goes on for the others */
  async wait(wanted: Wanted, signal: AbortSignal | undefined): Promise<JobRecord> {
    signal?.throwIfAborted();
    const name = `${wanted.key} ${wanted.staleToken ?? ''}`;
    const shared = this.waits.get(name) ?? this.begin(name, wanted);
    shared.waiters += 1;
    try {
      return await leaveOn(signal, shared.record);
    } finally {
      shared.waiters -= 1;
      if (shared.waiters === 0) {
        shared.stop.abort();
        this.forget(name, shared);
      }
    }
  }

  private begin(name: string, wanted: Wanted): SharedWait {
    const stop = new AbortController();
    const record = waitForRecord(this.scope, wanted, stop.signal) as Promise<JobRecord>;
    const shared = { record, waiters: 0, stop };
    record.catch(() => undefined).finally(() => this.forget(name, shared));
    this.waits.set(name, shared);
    return shared;
  }

  private forget(name: string, shared: SharedWait): void {
    if (this.waits.get(name) === shared) this.waits.delete(name);
  }
}
