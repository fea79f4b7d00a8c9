import { setImmediate as nextTurn } from 'node:timers/promises';
import type { DatabaseSyncInstance } from '@photostructure/sqlite';
import { UnreachableError } from '../errors';
import { Batches } from './batches';
import { Lane } from './lane';
import { listQuery } from './list-query';
import { decodeCursor, pageSize } from './page';
import { decodePage, type JobRow } from './row';
import { type SettledRow, SqliteBell } from './sqlite-bell';
import { isLocked, toStoreFault } from './sqlite-faults';
import { type Asked, type Seen, SqliteRows } from './sqlite-rows';
import { prepareStatements, type Statements } from './sqlite-statements';
import { sumStats } from './stats';
import type { Decide, ListFilter, ListPage, ResultStore, SeenRow, StatsRow, StoredJob } from './store';

/** How many rows one step of `stats` sums up before the event loop gets a turn. */
const STATS_STEP = 2000;

/**
 * The store over an open, prepared file. Reads and writes are synchronous; what waits, waits between them. What is
 * asked for within one turn of the event loop shares a transaction, hence a lock and a commit.
 */
export class SqliteStore implements ResultStore {
  readonly encryption = null;
  private readonly sql: Statements;
  /** Two lanes: a look-up needs no lock and must not wait behind a write that does. */
  private readonly reads: Lane;
  private readonly writes: Lane;
  private readonly rows: SqliteRows;
  private readonly looks: Batches<string, Seen>;
  private readonly decisions: Batches<Asked, unknown>;
  private readonly bell: SqliteBell;
  private closed = false;

  constructor(
    readonly id: string,
    private readonly file: string,
    private readonly db: DatabaseSyncInstance,
    lockLimitMs: number,
  ) {
    this.sql = prepareStatements(db);
    this.reads = new Lane(isLocked, lockLimitMs);
    this.writes = new Lane(isLocked, lockLimitMs);
    const settledSince = (ms: number) => this.sql.settledSince.all(ms) as SettledRow[];
    this.bell = new SqliteBell(file, (ms) => this.run(this.reads, () => settledSince(ms)));
    this.rows = new SqliteRows(db, this.sql, (keys) => this.bell.ring(keys));
    // so that nobody waits much longer than the limit
    const patienceMs = lockLimitMs / 2;
    this.looks = new Batches(
      (keys) => this.run(this.reads, () => this.rows.lookAtAll(keys)),
      isLocked,
      patienceMs,
    );
    this.decisions = new Batches(
      (asked) => this.run(this.writes, () => this.rows.decideAll(asked)),
      isLocked,
      patienceMs,
    );
  }

  async read(key: string): Promise<{ job: StoredJob | null; now: number }> {
    return this.told(this.looks.run(key), key);
  }

  async update<T>(key: string, decide: Decide<T>): Promise<T> {
    // One snapshot is enough for a decision that writes nothing: it stands at that snapshot's moment.
    // Of N racing claims only the winner then takes the lock.
    const seen = await this.read(key);
    const change = decide(seen.job, seen.now);
    if (!change.job) return change.returns;
    return this.told(this.decisions.run({ key, decide }), key) as Promise<T>;
  }

  onSettled(key: string, listener: () => void): (() => void) | null {
    return this.closed ? null : this.bell.onSettled(key, listener);
  }

  async readBlob(key: string, name: string): Promise<string | null> {
    const row = await this.told(
      this.run(this.reads, () => this.sql.readBlob.get(key, name)),
      key,
    );
    return row === undefined ? null : Buffer.from((row as { body: Uint8Array }).body).toString();
  }

  async list(filter: ListFilter): Promise<ListPage> {
    const size = pageSize(filter.limit);
    const after = filter.cursor === undefined ? null : decodeCursor(filter.cursor);
    const { sql, values } = listQuery('jobs', filter, after, size + 1, true);
    const rows = await this.told(this.run(this.reads, () => this.sql.list(sql).all(...values) as JobRow[]));
    return decodePage(rows, size);
  }

  async remove(rows: readonly SeenRow[]): Promise<number> {
    return rows.length === 0 ? 0 : this.told(this.run(this.writes, () => this.rows.remove(rows)));
  }

  async stats({ tenant }: Pick<ListFilter, 'tenant'> = {}): Promise<StatsRow[]> {
    const parts: StatsRow[] = [];
    const whose = { all: tenant === undefined ? 1 : 0, tenant: tenant ?? null };
    const { last } = await this.told(this.run(this.reads, () => this.sql.lastRow.get() as { last: number }));
    for (let from = 0; from < last; from += STATS_STEP) {
      const step = { from, to: from + STATS_STEP, ...whose };
      parts.push(...(await this.told(this.run(this.reads, () => this.sql.stats.all(step) as StatsRow[]))));
      await nextTurn();
    }
    return sumStats(parts);
  }

  async close(): Promise<void> {
    if (this.closed) return;
    // the binding lets go of the file only when its statements are garbage, so SQLite's own tidying at the
    // last close comes late or never
    this.rows.emptyLog();
    this.closed = true;
    this.bell.close();
    this.db.close();
  }

  private run<T>(lane: Lane, step: () => T): Promise<T> {
    return lane.run(() => {
      this.checkOpen();
      return step();
    });
  }

  /** As it comes, but a fault in words for people. */
  private told<T>(result: Promise<T>, key?: string): Promise<T> {
    return result.catch((e) => {
      throw toStoreFault(e, this.file, key);
    });
  }

  private checkOpen(): void {
    if (!this.closed) return;
    throw new UnreachableError('store', `The store ${this.file} is closed; open it again.`);
  }
}
