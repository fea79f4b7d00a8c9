import { randomBytes } from 'node:crypto';
import type { Pool, QueryResultRow } from 'pg';
import { UnreachableError } from '../errors';
import { listQuery } from './list-query';
import { updateOptimistically } from './optimistic';
import { decodeCursor, pageSize } from './page';
import { isOfAnotherSession, toPostgresFault } from './postgres-faults';
import {
  LOOK,
  LOOK_MANY,
  numbered,
  READ_BLOB,
  REMOVE,
  STATS,
  type Statement,
  writeStatement,
} from './postgres-statements';
import { decodePage, decodeRow, isAsSeen, type JobRow } from './row';
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

interface Look {
  now: number;
  key: string | null;
  status: unknown;
  doc: unknown;
  revision: string | null;
}

/** A row as it was seen, by which a write of it is conditional. */
interface Seen {
  job: StoredJob | null;
  now: number;
  revision: string | null;
}

/**
 * The store over a pool whose database has its tables. A decision runs here, over a row as it was seen; its
 * write is conditional on that row's revision. Where another writer came between, it is decided anew: nobody
 * holds a lock while a process thinks, or is frozen.
 */
export class PostgresStore implements ResultStore {
  readonly encryption = null;
  private closing: Promise<void> | null = null;

  constructor(
    readonly id: string,
    private readonly name: string,
    private readonly pool: Pool,
    /** False behind a pooler: a statement that was named there may be in another session, or another's. */
    private hasSessions: boolean,
  ) {}

  private readonly optimistic = {
    look: (key: string) => this.look(key),
    write: (row: JobRow, seen: Seen, change: Change<unknown>) => this.write(row, seen, change),
  };

  async read(key: string): Promise<{ job: StoredJob | null; now: number }> {
    const { job, now } = await this.look(key);
    return { job, now };
  }

  async update<T>(key: string, decide: Decide<T>): Promise<T> {
    return updateOptimistically(this.optimistic, key, decide);
  }

  async readBlob(key: string, name: string): Promise<string | null> {
    const [row] = await this.query<{ body: Buffer }>(READ_BLOB, [key, name], key);
    return row?.body.toString() ?? null;
  }

  async list(filter: ListFilter): Promise<ListPage> {
    const size = pageSize(filter.limit);
    const after = filter.cursor === undefined ? null : decodeCursor(filter.cursor);
    const { sql, values } = listQuery('infer_once.jobs', filter, after, size + 1);
    const rows = await this.query<JobRow & { updated_at: string | number }>(numbered(sql), values);
    return decodePage(
      rows.map((row) => ({ ...row, updated_at: Number(row.updated_at) })),
      size,
    );
  }

  async remove(rows: readonly SeenRow[]): Promise<number> {
    const keys = rows.map(({ key }) => key);
    const found = await this.query<{ key: string; status: unknown; doc: unknown; revision: string }>(
      LOOK_MANY,
      [keys],
    );
    const byKey = new Map(found.map((row) => [row.key, row]));
    const same = rows.flatMap((seen) => {
      const row = byKey.get(seen.key);
      return row && isAsSeen(decodeRow(row), seen) ? row : [];
    });
    if (same.length === 0) return 0;
    const revisions = same.map(({ revision }) => revision);
    const [result] = await this.query<{ removed: number }>(REMOVE, [same.map(({ key }) => key), revisions]);
    return result!.removed;
  }

  async stats({ tenant }: Pick<ListFilter, 'tenant'> = {}): Promise<StatsRow[]> {
    return sumStats(await this.query<StatsRow>(STATS, [tenant === undefined, tenant ?? null]));
  }

  async close(): Promise<void> {
    this.closing ??= this.pool.end();
    await this.closing;
  }

  private async look(key: string): Promise<Seen> {
    const [row] = await this.query<Look>(LOOK, [key], key);
    const { key: found, status, doc, revision, now } = row!;
    return { job: found === null ? null : decodeRow({ key: found, status, doc }), now, revision };
  }

  private async write(
    row: JobRow,
    { revision }: Seen,
    { blobs = {}, dropBlobs = false }: Change<unknown>,
  ): Promise<boolean> {
    // random: a counter gives the same number out again where a job was erased and began anew, or a server lost a write
    const next = randomBytes(8).readBigInt64BE().toString();
    const { statement, values } = writeStatement({
      row: { ...row, revision: next },
      revision,
      blobs,
      dropBlobs,
    });
    return (await this.query(statement, values, row.key)).length === 1;
  }

  private async query<R extends QueryResultRow>(
    statement: Statement,
    values: unknown[],
    key?: string,
  ): Promise<R[]> {
    if (this.closing) {
      throw new UnreachableError('store', `The store in ${this.name} is closed; open it again.`);
    }
    const { text, name } = statement;
    try {
      return (await this.pool.query<R>({ text, values, ...(this.hasSessions && name && { name }) })).rows;
    } catch (error) {
      if (!name || !isOfAnotherSession(error)) throw toPostgresFault(error, this.name, key);
      // it was not executed
      this.hasSessions = false;
      return this.query({ text }, values, key);
    }
  }
}
