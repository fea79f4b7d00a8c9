import { randomBytes } from 'node:crypto';
import { UnreachableError } from '../errors';
import { isSettled } from '../job';
import { decodeCursor, encodeCursor, type Position, pageSize } from './page';
import { decodeRow, encodeRow, isAsSeen, type JobRow } from './row';
import { SettledListeners } from './settled-listeners';
import { statsOf, sumStats } from './stats';
import type {
  Change,
  Decide,
  ListFilter,
  ListPage,
  ResultStore,
  SeenRow,
  StatsRow,
  StoredJob,
} from './store';

/**
 * A store in this process's memory, gone with it: for tests and for trying things out. Keeps rows as
 * text, as the others do, so that nobody can change one by holding on to an object.
 *
 * @param options.now - the wall clock, ms since the epoch; default `Date.now`. The store's clock never
 *   goes back even where this one does.
 * @param options.id - the store's id; default random
 *
 * @example
 * const store = openMemoryStore({ now: () => time });
 */
export function openMemoryStore(options: { now?: () => number; id?: string } = {}): ResultStore {
  return new MemoryStore(options.id ?? randomBytes(8).toString('hex'), options.now ?? Date.now);
}

class MemoryStore implements ResultStore {
  readonly encryption = null;
  private readonly rows = new Map<string, JobRow>();
  private readonly blobs = new Map<string, Map<string, string>>();
  private readonly listeners = new SettledListeners();
  private latest = 0;
  private closed = false;

  constructor(
    readonly id: string,
    private readonly wallClock: () => number,
  ) {}

  async read(key: string): Promise<{ job: StoredJob | null; now: number }> {
    this.checkOpen();
    const row = this.rows.get(key);
    return { job: row ? decodeRow(row) : null, now: this.now() };
  }

  // no await inside: that is what makes it one atomic step
  async update<T>(key: string, decide: Decide<T>): Promise<T> {
    this.checkOpen();
    const row = this.rows.get(key);
    const change = decide(row ? decodeRow(row) : null, this.now());
    if (change.job) this.write(key, change.job, change);
    return change.returns;
  }

  onSettled(key: string, listener: () => void): () => void {
    return this.listeners.add(key, listener);
  }

  async readBlob(key: string, name: string): Promise<string | null> {
    this.checkOpen();
    return this.blobs.get(key)?.get(name) ?? null;
  }

  async list(filter: ListFilter): Promise<ListPage> {
    this.checkOpen();
    const size = pageSize(filter.limit);
    const after = filter.cursor === undefined ? null : decodeCursor(filter.cursor);
    const rows = [...this.rows.values()]
      .filter((row) => matches(row, filter) && (after === null || newestFirst(after, row) < 0))
      .sort(newestFirst);
    const page = rows.slice(0, size);
    const last = page.at(-1);
    return {
      jobs: page.map(decodeRow),
      ...(last && rows.length > size ? { cursor: encodeCursor(last) } : {}),
    };
  }

  async remove(rows: readonly SeenRow[]): Promise<number> {
    this.checkOpen();
    const gone = rows.filter((seen) => {
      const row = this.rows.get(seen.key);
      return row !== undefined && isAsSeen(decodeRow(row), seen);
    });
    for (const { key } of gone) {
      this.rows.delete(key);
      this.blobs.delete(key);
    }
    return gone.length;
  }

  async stats(filter: Pick<ListFilter, 'tenant'> = {}): Promise<StatsRow[]> {
    this.checkOpen();
    return sumStats([...this.rows.values()].filter((row) => matches(row, filter)).map(statsOf));
  }

  async close(): Promise<void> {
    this.closed = true;
  }

  private write(key: string, job: StoredJob, { blobs = {}, dropBlobs }: Change<unknown>): void {
    const row = encodeRow(key, job);
    const kept = dropBlobs ? [] : (this.blobs.get(key) ?? []);
    this.blobs.set(key, new Map([...kept, ...Object.entries(blobs)]));
    this.rows.set(key, row);
    if (isSettled(job.status)) this.listeners.tell(key);
  }

  private now(): number {
    this.latest = Math.max(this.latest, this.wallClock());
    return this.latest;
  }

  private checkOpen(): void {
    if (this.closed) throw new UnreachableError('store', 'The store in memory is closed; open a new one.');
  }
}

function matches(row: JobRow, { status, task, tenant }: ListFilter): boolean {
  return (
    (status === undefined || row.status === status) &&
    (task === undefined || row.task === task) &&
    (tenant === undefined || row.tenant === tenant)
  );
}

function newestFirst(a: Position, b: Position): number {
  return b.updated_at - a.updated_at || (a.key < b.key ? 1 : a.key > b.key ? -1 : 0);
}
