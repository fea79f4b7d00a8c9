import type { DatabaseSyncInstance } from '@photostructure/sqlite';
import { decodeRow, encodeRow, isAsSeen, type JobRow } from './row';
import type { Statements } from './sqlite-statements';
import type { Change, Decide, SeenRow, StoredJob } from './store';
import { StoreClock } from './store-clock';

/** What a look-up gives: the clock row and the wall clock in ms, and the row where there is one. */
interface Look {
  kept: number;
  wall: number;
  key: string | null;
  status: unknown;
  doc: unknown;
}

/** A decision that was asked for. */
export interface Asked {
  key: string;
  decide: Decide<unknown>;
}

/**
 * Looks at rows and writes them, each time all that was asked for in one transaction. SQLite's errors come as they are;
 * nothing was written then.
 */
export class SqliteRows {
  private readonly clock = new StoreClock();

  constructor(
    private readonly db: DatabaseSyncInstance,
    private readonly sql: Statements,
  ) {}

  /** Rows, each with the store's clock. */
  lookAtAll(keys: readonly string[]): { job: StoredJob | null; now: number }[] {
    // a statement is a transaction by itself
    if (keys.length === 1) return [this.look(keys[0]!)];
    return this.within(this.sql.beginReading, () => keys.map((key) => this.look(key)));
  }

  /** Decides over each row as those before have left it, and writes; one commit. */
  decideAll(asked: readonly Asked[]): unknown[] {
    const changes = this.within(this.sql.begin, () =>
      asked.map(({ key, decide }) => {
        const { job, now } = this.look(key);
        const change = decide(job, now);
        if (change.job) this.write(encodeRow(key, change.job), change, now);
        return change;
      }),
    );
    if (changes.some(({ job, dropBlobs }) => job && dropBlobs)) this.emptyLog();
    return changes.map(({ returns }) => returns);
  }

  /** Erases rows that are as they were seen. @returns how many */
  remove(rows: readonly SeenRow[]): number {
    const gone = this.within(this.sql.begin, () => {
      const same = rows.filter((seen) => isAsSeen(this.look(seen.key).job, seen));
      for (const { key } of same) {
        this.sql.dropBlobs.run(key);
        this.sql.dropRow.run(key);
      }
      return same;
    });
    if (gone.length > 0) this.emptyLog();
    return gone.length;
  }

  /** Takes what was erased out of the write-ahead log, too. */
  emptyLog(): void {
    try {
      this.sql.emptyLog.get();
    } catch {
      // the commit stands all the same, and another checkpoint follows
    }
  }

  private look(key: string): { job: StoredJob | null; now: number } {
    const row = this.sql.look.get(key) as Look;
    const { key: found, status, doc } = row;
    const now = this.clock.tell(row.kept, row.wall);
    return { job: found === null ? null : decodeRow({ key: found, status, doc }), now };
  }

  private write(row: JobRow, { blobs = {}, dropBlobs }: Change<unknown>, now: number): void {
    this.sql.advanceClock.run(now);
    if (dropBlobs) this.sql.dropBlobs.run(row.key);
    for (const [name, body] of Object.entries(blobs))
      this.sql.writeBlob.run(row.key, name, Buffer.from(body));
    this.sql.writeRow.run(row);
  }

  private within<T>(begin: Statements['begin'], act: () => T): T {
    begin.run();
    try {
      const result = act();
      this.sql.commit.run();
      return result;
    } catch (e) {
      this.rollBack();
      throw e;
    }
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
