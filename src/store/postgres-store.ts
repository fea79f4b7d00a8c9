import { listQuery } from './list-query';
import { updateOptimistically } from './optimistic';
import { decodeCursor, pageSize } from './page';
import type { PostgresQueries } from './postgres-queries';
import { PostgresRows } from './postgres-rows';
import { LOOK_MANY, numbered, READ_BLOB, REMOVE, STATS } from './postgres-statements';
import { decodePage, decodeRow, isAsSeen, type JobRow } from './row';
import { sumStats } from './stats';
import type { Decide, ListFilter, ListPage, ResultStore, SeenRow, StatsRow, StoredJob } from './store';

/**
 * The store over a database that has its tables. A decision runs here, over a row as it was seen; its
 * write is conditional on that row's revision. Where another writer came between, it is decided anew: nobody
 * holds a lock while a process thinks, or is frozen.
 */
export class PostgresStore implements ResultStore {
  readonly encryption = null;
  private readonly rows: PostgresRows;

  constructor(
    readonly id: string,
    private readonly queries: PostgresQueries,
  ) {
    this.rows = new PostgresRows(queries);
  }

  async read(key: string): Promise<{ job: StoredJob | null; now: number }> {
    const { job, now } = await this.rows.look(key);
    return { job, now };
  }

  async update<T>(key: string, decide: Decide<T>): Promise<T> {
    return updateOptimistically(this.rows, key, decide);
  }

  async readBlob(key: string, name: string): Promise<string | null> {
    const [row] = await this.queries.run<{ body: Buffer }>(READ_BLOB, [key, name], key);
    return row?.body.toString() ?? null;
  }

  async list(filter: ListFilter): Promise<ListPage> {
    const size = pageSize(filter.limit);
    const after = filter.cursor === undefined ? null : decodeCursor(filter.cursor);
    const { sql, values } = listQuery('infer_once.jobs', filter, after, size + 1);
    const rows = await this.queries.run<JobRow & { updated_at: string | number }>(numbered(sql), values);
    return decodePage(
      rows.map((row) => ({ ...row, updated_at: Number(row.updated_at) })),
      size,
    );
  }

  async remove(rows: readonly SeenRow[]): Promise<number> {
    const keys = rows.map(({ key }) => key);
    const found = await this.queries.run<{ key: string; status: unknown; doc: unknown; revision: string }>(
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
    const [result] = await this.queries.run<{ removed: number }>(REMOVE, [
      same.map(({ key }) => key),
      revisions,
    ]);
    return result!.removed;
  }

  async stats({ tenant }: Pick<ListFilter, 'tenant'> = {}): Promise<StatsRow[]> {
    return sumStats(await this.queries.run<StatsRow>(STATS, [tenant === undefined, tenant ?? null]));
  }

  async close(): Promise<void> {
    await this.queries.close();
  }
}
