import { JobNotFoundError } from '../errors';
import { isSettled, type JobRecord, parseJobKey } from '../job';
import { leaveOn } from './leave';
import type { Scope } from './scope';
import { type Look, mayPass, Watch } from './watch';

/** One watch a job, however many look on; it ends when the last of them has left. */
export class SharedWatches {
  private readonly watches = new Map<string, { watch: Watch; watchers: number }>();

  constructor(private readonly scope: Scope) {}

  /** How many jobs are watched now. */
  get size(): number {
    return this.watches.size;
  }

  /**
   * Yields the record as it is, then as each look finds it changed; ends with the settled one. A store that is
   * away once the first record was seen is asked again.
   *
   * @throws JobNotFoundError; the signal's reason where it aborts
   */
  async *watch(key: string, signal: AbortSignal | undefined): AsyncGenerator<JobRecord, void, undefined> {
    signal?.throwIfAborted();
    const shared = this.watches.get(key) ?? { watch: new Watch(this.scope, key), watchers: 0 };
    this.watches.set(key, shared);
    shared.watchers += 1;
    try {
      let seen: string | null = null;
      let look: Look = await leaveOn(signal, shared.watch.fresh());
      for (;;) {
        const record = recordOf(look, key, seen !== null);
        if (record && look.state !== seen) {
          seen = look.state;
          yield record;
          if (isSettled(record.status)) return;
        }
        look = await leaveOn(signal, shared.watch.after(look));
      }
    } finally {
      shared.watchers -= 1;
      if (shared.watchers === 0) {
        shared.watch.stop();
        this.watches.delete(key);
      }
    }
  }
}

/** The record that a look found; null where it failed in a way that may pass. */
function recordOf(look: Look, key: string, hasBegun: boolean): JobRecord | null {
  if (look.error !== undefined) {
    if (hasBegun && mayPass(look.error)) return null;
    throw look.error;
  }
  if (!look.record) throw new JobNotFoundError(parseJobKey(key).jobId);
  return look.record;
}
