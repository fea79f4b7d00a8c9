import { UserError } from '../errors';
import type { Change, Decide, ListFilter, ResultStore, SeenRow, StoredJob } from '../store/store';
import type { Metrics } from './metrics';
import { type BilledCall, type RowChange, rowChange } from './row-change';
import { Unacknowledged } from './unacknowledged';

/**
 * The store, heard: what each durable write did to its job is counted, and every operation timed. All that
 * becomes true of a job becomes so here, by whichever part, and only once; so this is the one place that counts
 * calls, tokens and cost.
 */
export class MeteredStore implements ResultStore {
  private readonly unacknowledged = new Unacknowledged();

  constructor(
    private readonly store: ResultStore,
    private readonly metrics: Metrics,
  ) {}

  get id(): string {
    return this.store.id;
  }

  get encryption() {
    return this.store.encryption;
  }

  async read(key: string) {
    const seen = await this.time('read', () => this.store.read(key));
    this.countUnacknowledged(key, seen.job);
    return seen;
  }

  async update<T>(key: string, decide: Decide<T>): Promise<T> {
    let before: StoredJob | null = null;
    let last: Change<T> | undefined;
    const changed = () => (last?.job ? rowChange(before, last.job) : undefined);
    const begun = performance.now();
    // a store may decide again on a fresh row; the last decision is the one that was written
    let result: T;
    try {
      result = await this.store.update<T>(key, (job, now) => {
        before = job;
        last = decide(job, now);
        return last;
      });
    } catch (error) {
      if (last) this.countUnacknowledged(key, before);
      const change = changed();
      if (change) this.unacknowledged.add(last!.job!, change, error);
      throw this.counted(error);
    }
    this.countUnacknowledged(key, before);
    const change = changed();
    this.metrics.storeSeconds.observe({ operation: change?.kind ?? 'read' }, secondsSince(begun));
    if (change) countChange(this.metrics, change);
    return result;
  }

  get onSettled() {
    return this.store.onSettled?.bind(this.store);
  }

  readBlob(key: string, name: string) {
    return this.time('read_blob', () => this.store.readBlob(key, name));
  }

  list(filter: ListFilter) {
    return this.time('list', () => this.store.list(filter));
  }

  remove(rows: readonly SeenRow[]) {
    return this.time('remove', () => this.store.remove(rows));
  }

  stats(filter?: Pick<ListFilter, 'tenant'>) {
    return this.time('stats', () => this.store.stats(filter));
  }

  close(): Promise<void> {
    return this.store.close();
  }

  private async time<T>(operation: string, act: () => Promise<T>): Promise<T> {
    const begun = performance.now();
    try {
      const result = await act();
      this.metrics.storeSeconds.observe({ operation }, secondsSince(begun));
      return result;
    } catch (error) {
      throw this.counted(error);
    }
  }

  private countUnacknowledged(key: string, seen: StoredJob | null): void {
    const change = this.unacknowledged.take(key, seen);
    if (change) countChange(this.metrics, change);
  }

  private counted(error: unknown): unknown {
    this.metrics.storeErrors.inc({ code: error instanceof UserError ? error.code : 'unexpected' });
    return error;
  }
}

function countChange(metrics: Metrics, change: RowChange): void {
  const task = metrics.task(change.task);
  if (change.isClaim) metrics.claims.inc({ task });
  if (change.billed) countBilled(metrics, task, change.billed);
  if (change.isRecovered) metrics.recovered.inc({ task });
  if (change.isDoubted) metrics.doubts.inc({ task });
  if (!change.settled) return;
  const { status, seconds } = change.settled;
  metrics.settled.inc({ task, status });
  if (seconds !== null) metrics.jobSeconds.observe({ task, status }, seconds);
}

/** Counts a call that is known to be executed: its tokens, and its price where that is known. */
export function countBilled(metrics: Metrics, task: string, call: BilledCall): void {
  const model = metrics.model(call.model);
  metrics.billed.inc({ task, model });
  if (call.isLate) metrics.late.inc({ task });
  if (call.cost_usd === null) metrics.unpriced.inc({ task, model });
  else metrics.cost.inc({ task, model }, call.cost_usd);
  const { input_tokens, cached_tokens, output_tokens, reasoning_tokens } = call.usage ?? {};
  const counts = {
    input: input_tokens,
    cached: cached_tokens,
    output: output_tokens,
    reasoning: reasoning_tokens,
  };
  for (const [type, tokens] of Object.entries(counts)) {
    if (typeof tokens === 'number') metrics.tokens.inc({ task, model, type }, tokens);
  }
}

function secondsSince(begun: number): number {
  return (performance.now() - begun) / 1000;
}
