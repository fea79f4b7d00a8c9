import { encodeRow, type JobRow } from './row';
import type { Change, Decide, StoredJob } from './store';

/** How a server's row is seen, and written where nobody has come between. */
interface Optimistic<S extends { job: StoredJob | null; now: number }> {
  look(key: string): Promise<S>;
  /** @returns false where another writer came between */
  write(row: JobRow, seen: S, change: Change<unknown>): Promise<boolean>;
}

/**
 * Decides over a row as it was seen, and writes on the condition that it still is so; else it is decided anew. Nobody is
 * ever locked out.
 */
export async function updateOptimistically<T, S extends { job: StoredJob | null; now: number }>(
  { look, write }: Optimistic<S>,
  key: string,
  decide: Decide<T>,
): Promise<T> {
  for (;;) {
    const seen = await look(key);
    const change = decide(seen.job, seen.now);
    if (!change.job) return change.returns;
    if (await write(encodeRow(key, change.job), seen, change)) return change.returns;
  }
}
