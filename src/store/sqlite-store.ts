import { setImmediate as nextTurn } from 'node:timers/promises';
import type { DatabaseSyncInstance } from '@photostructure/sqlite';
import { UnreachableError } from '../errors';
import { Lane } from './lane';
import { listQuery } from './list-query';
import { decodeCursor, pageSize } from './page';
import { decodePage, decodeRow, encodeRow, isAsSeen, type JobRow } from './row';
import { isLocked, toStoreFault } from './sqlite-faults';
import { prepareStatements, type Statements } from './sqlite-statements';
import { sumStats } from './stats';
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
import { StoreClock } from './store-clock';

/** How many rows one step of `stats` sums up before the event loop gets a turn. */
const STATS_STEP = 2000;

/** What a look-up gives: the clock row and the wall clock in ms, and the row where there is one. */
interface Look {
  kept: number;
  wall: number;
  key: string | null;
  status: unknown;
  doc: unknown;
}

/** The store over an open, prepared file. Reads and writes are synchronous; what waits, waits between them. */
export class SqliteStore implements ResultStore {
  readonly encryption = null;
  private readonly sql: Statements;
  /** Two lanes: a look-up needs no lock and must not wait behind a write that does. */
  private readonly reads: Lane;
  private readonly writes: Lane;
  private readonly clock = new StoreClock();
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
  }

  async read(key: string): Promise<{ job: StoredJob | null; now: number }> {
    return this.run(this.reads, () => this.look(key), key);
  }

  async update<T>(key: string, decide: Decide<T>): Promise<T> {
    // One snapshot is enough for a decision that writes nothing: it stands at that snapshot's moment.
    // Of N racing claims only the winner then takes the lock.
    const seen = await this.read(key);
    const change = decide(seen.job, seen.now);
    if (!change.job) return change.returns;
    return this.run(this.writes, () => this.decideLocked(key, decide), key);
  }

  async readBlob(key: string, name: string): Promise<string | null> {
    const row = await this.run(this.reads, () => this.sql.readBlob.get(key, name), key);
    return row === undefined ? null : Buffer.from((row as { body: Uint8Array }).body).toString();
  }

  async list(filter: ListFilter): Promise<ListPage> {
    const size = pageSize(filter.limit);
    const after = filter.cursor === undefined ? null : decodeCursor(filter.cursor);
    const { sql, values } = listQuery('jobs', filter, after, size + 1, true);
    const rows = await this.run(this.reads, () => this.sql.list(sql).all(...values) as JobRow[]);
    return decodePage(rows, size);
  }

  async remove(rows: readonly SeenRow[]): Promise<number> {
    return rows.length === 0 ? 0 : this.run(this.writes, () => this.removeLocked(rows));
  }

  async stats({ tenant }: Pick<ListFilter, 'tenant'> = {}): Promise<StatsRow[]> {
    const parts: StatsRow[] = [];
    const whose = { all: tenant === undefined ? 1 : 0, tenant: tenant ?? null };
    const { last } = await this.run(this.reads, () => this.sql.lastRow.get() as { last: number });
    for (let from = 0; from < last; from += STATS_STEP) {
      const step = { from, to: from + STATS_STEP, ...whose };
      parts.push(...(await this.run(this.reads, () => this.sql.stats.all(step) as StatsRow[])));
      await nextTurn();
    }
    return sumStats(parts);
  }

  async close(): Promise<void> {
    if (this.closed) return;
    // the binding lets go of the file only when its statements are garbage, so SQLite's own tidying at the
    // last close comes late or never
    this.emptyLog();
    this.closed = true;
    this.db.close();
  }

  private async run<T>(lane: Lane, step: () => T, key?: string): Promise<T> {
    try {
      return await lane.run(() => {
        this.checkOpen();
        return step();
      });
    } catch (e) {
      throw toStoreFault(e, this.file, key);
    }
  }

  private checkOpen(): void {
    if (!this.closed) return;
    throw new UnreachableError('store', `The store ${this.file} is closed; open it again.`);
  }

  /** The row and the clock, of one snapshot. */
  private look(key: string): { job: StoredJob | null; now: number } {
    const row = this.sql.look.get(key) as Look;
    const { key: found, status, doc } = row;
    const now = this.clock.tell(row.kept, row.wall);
    return { job: found === null ? null : decodeRow({ key: found, status, doc }), now };
  }

  private decideLocked<T>(key: string, decide: Decide<T>): T {
    this.sql.begin.run();
    try {
      const { job, now } = this.look(key);
      const change = decide(job, now);
      if (change.job) this.write(encodeRow(key, change.job), change, now);
      this.sql.commit.run();
      if (change.job && change.dropBlobs) this.emptyLog();
      return change.returns;
    } catch (e) {
      this.rollBack();
      throw e;
    }
  }

  private removeLocked(rows: readonly SeenRow[]): number {
    this.sql.begin.run();
    try {
      const gone = rows.filter((seen) => isAsSeen(this.look(seen.key).job, seen));
      for (const { key } of gone) {
        this.sql.dropBlobs.run(key);
        this.sql.dropRow.run(key);
      }
      this.sql.commit.run();
      this.emptyLog();
      return gone.length;
    } catch (e) {
      this.rollBack();
      throw e;
    }
  }

  private emptyLog(): void {
    try {
      this.sql.emptyLog.get();
    } catch {
      // the commit stands all the same, and another checkpoint follows
    }
  }

  private write(row: JobRow, { blobs = {}, dropBlobs }: Change<unknown>, now: number): void {
    this.sql.advanceClock.run(now);
    if (dropBlobs) this.sql.dropBlobs.run(row.key);
    for (const [name, body] of Object.entries(blobs))
      this.sql.writeBlob.run(row.key, name, Buffer.from(body));
    this.sql.writeRow.run(row);
  }

  private rollBack(): void {
    try {
      // a full or failing disk has SQLite roll back by itself
      if (this.db.isTransaction) this.sql.rollback.run();
    } catch {
      // the error that led here says more
    }
  }
}
