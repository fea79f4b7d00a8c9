import type { DatabaseSyncInstance } from '@photostructure/sqlite';
import { StoreCorruptError } from '../errors';
import { isSettled } from '../job';
import { ALONE } from './batches';
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

/** A row as it was seen, and the store's clock. */
export interface Seen {
  job: StoredJob | null;
  now: number;
}

/** How many bytes of text one commit has, but for its last job. */
const LARGE = 1024 * 1024;

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
    /** Told of what was settled, once it is durable. */
    private readonly onSettled: (keys: readonly string[]) => void,
  ) {}

  /** Rows, each with the store's clock, or what is wrong with it. */
  lookAtAll(keys: readonly string[]): (Seen | Error)[] {
    const different = [...new Set(keys)];
    const look = () => new Map(different.map((key) => [key, this.tryLook(key)]));
    // a statement is a transaction by itself
    const seen = different.length === 1 ? look() : this.within(this.sql.beginReading, look);
    return keys.map((key) => seen.get(key)!);
  }

  /**
   * Decides over each row as those before have left it, and writes; one commit. What comes after a large write waits for
   * a commit of its own: the file's one lock is not held for megabytes of many jobs.
   */
  decideAll(asked: readonly Asked[]): unknown[] {
    let bytes = 0;
    const changes = this.within(this.sql.begin, () =>
      asked.map(({ key, decide }) => {
        if (bytes > LARGE) return null;
        const { job, now } = this.look(key);
        const change = decide(job, now);
        if (change.job) bytes += this.write(encodeRow(key, change.job), change, now);
        return change;
      }),
    );
    if (changes.some((change) => change?.job && change.dropBlobs)) this.emptyLog();
    const settled = changes.flatMap((change) =>
      change?.job && isSettled(change.job.status) ? [change.job.key] : [],
    );
    if (settled.length > 0) this.onSettled(settled);
    return changes.map((change) => (change ? change.returns : ALONE));
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

  private tryLook(key: string): Seen | Error {
    try {
      return this.look(key);
    } catch (error) {
      if (error instanceof StoreCorruptError) return error;
      throw error;
    }
  }

  private look(key: string): Seen {
    const row = this.sql.look.get(key) as Look;
    const { key: found, status, doc } = row;
    const now = this.clock.tell(row.kept, row.wall);
    return { job: found === null ? null : decodeRow({ key: found, status, doc }), now };
  }

  /** @returns how many bytes it wrote, about */
  private write(row: JobRow, { blobs = {}, dropBlobs }: Change<unknown>, now: number): number {
    let bytes = row.doc.length;
    this.sql.advanceClock.run(now);
    if (dropBlobs) this.sql.dropBlobs.run(row.key);
    for (const [name, text] of Object.entries(blobs)) {
      const body = Buffer.from(text);
      this.sql.writeBlob.run(row.key, name, body);
      bytes += body.length;
    }
    this.sql.writeRow.run(row);
    return bytes;
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
