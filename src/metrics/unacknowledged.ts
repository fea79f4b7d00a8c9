import { UnreachableError } from '../errors';
import type { StoredJob } from '../store/store';
import type { RowChange } from './row-change';

/** How many of them are kept: a store that is away for long must not cost memory. */
const MOST = 1_000;

/**
 * Writes of which nobody knows whether they were made, since no reply came. A caller that tries again finds its own
 * write done, and decides nothing: whoever sees the row next knows, and the write is counted then, once.
 */
export class Unacknowledged {
  private readonly writes = new Map<string, { row: string; change: RowChange }>();

  /** @param error - what the write ended with; only a store that is away leaves it open */
  add(job: StoredJob, change: RowChange, error: unknown): void {
    // a renewal counts nothing, and must not take the place of what does
    if (!(error instanceof UnreachableError) || change.kind === 'renew') return;
    this.writes.delete(job.key);
    this.writes.set(job.key, { row: JSON.stringify(job), change });
    if (this.writes.size > MOST) this.writes.delete(this.writes.keys().next().value!);
  }

  /** What was made of it, by the row as it was seen now; null where nothing was, and from then on. */
  take(key: string, seen: StoredJob | null): RowChange | null {
    const write = this.writes.get(key);
    if (!write) return null;
    this.writes.delete(key);
    return write.row === JSON.stringify(seen) ? write.change : null;
  }
}
