import { factsOf, ROW, type RowFacts, setsOf, toItem } from './dynamodb-items';
import { findPlaces, scanStats } from './dynamodb-list';
import { DynamoPieces, inLanes, type NewPieces } from './dynamodb-pieces';
import { DynamoRows } from './dynamodb-rows';
import type { DynamoTable } from './dynamodb-table';
import { planWrite, type Seen } from './dynamodb-write';
import type { LeaseWatch } from './lease-watch';
import { decodeCursor, encodeCursor, pageSize } from './page';
import { decodeRow, encodeRow, isAsSeen, type JobRow } from './row';
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
import { Turns } from './turns';

/** The times that a store without a clock goes by. */
export interface Clocks {
  /** The job's time. */
  watch: LeaseWatch;
  /** This machine's clock, ms since the epoch, never going back. */
  wall: () => number;
}

/**
 * The store over a table. A decision runs here, over a row as it was seen; its write is conditional on that
 * row's revision. Where another writer came between, it is decided anew: nobody holds a lock while a process
 * thinks, or is frozen. Texts in pieces are written before the row that names them.
 */
export class DynamoStore implements ResultStore {
  readonly encryption = null;
  private readonly pieces: DynamoPieces;
  private readonly rows: DynamoRows;
  /** Who has met another writer of a job waits for the others of this process that have: each try costs money. */
  private readonly turns = new Turns();

  constructor(
    readonly id: string,
    private readonly table: DynamoTable,
    private readonly clocks: Clocks,
  ) {
    this.pieces = new DynamoPieces(table);
    this.rows = new DynamoRows(table, this.pieces);
  }

  async read(key: string): Promise<{ job: StoredJob | null; now: number }> {
    const { job, now } = await this.look(key);
    return { job, now };
  }

  async update<T>(key: string, decide: Decide<T>): Promise<T> {
    const first = await this.tryUpdate(key, decide);
    if (first) return first.returns;
    return this.turns.take(key, async () => {
      for (;;) {
        const done = await this.tryUpdate(key, decide);
        if (done) return done.returns;
      }
    });
  }

  async readBlob(key: string, name: string): Promise<string | null> {
    return this.rows.readBlob(key, name);
  }

  async list(filter: ListFilter): Promise<ListPage> {
    const size = pageSize(filter.limit);
    const after = filter.cursor === undefined ? null : decodeCursor(filter.cursor);
    const places = await findPlaces(this.table, filter, after, size + 1);
    const page = places.slice(0, size);
    const found = await this.rows.readMany(page, filter.status);
    return { ...found, ...(places.length > size && { cursor: encodeCursor(page.at(-1)!) }) };
  }

  async remove(rows: readonly SeenRow[]): Promise<number> {
    let removed = 0;
    await inLanes(rows, async (row) => {
      if (await this.removeRow(row)) removed += 1;
    });
    return removed;
  }

  async stats({ tenant }: Pick<ListFilter, 'tenant'> = {}): Promise<StatsRow[]> {
    return scanStats(this.table, tenant);
  }

  async close(): Promise<void> {
    this.table.close();
  }

  private async tryUpdate<T>(key: string, decide: Decide<T>): Promise<{ returns: T } | null> {
    const seen = await this.look(key);
    if (seen.facts?.unswept) await this.finishDrop(key, seen.facts);
    const change = decide(seen.job, seen.now);
    if (!change.job) return change;
    return (await this.write(encodeRow(key, change.job), change, seen)) ? change : null;
  }

  private async look(key: string): Promise<Seen> {
    const askedAt = this.clocks.watch.monotonic();
    const { item, doc } = await this.rows.read(key);
    const wall = this.clocks.wall();
    if (!item) return { job: null, now: wall, facts: null };
    const facts = factsOf(key, item);
    const job = decodeRow({ key, status: item.status?.S, doc });
    return { job, now: this.clocks.watch.tell({ job, ...facts }, wall, askedAt), facts };
  }

  /** @returns false where another writer came between */
  private async write(row: JobRow, change: Change<unknown>, seen: Seen): Promise<boolean> {
    const { facts, written } = planWrite(row, change, seen);
    await this.pieces.write(row.key, written);
    const won =
      (await this.table.put(toItem(row, facts), seen.facts?.revision ?? null)) ||
      (await this.isWritten(row.key, facts, written));
    if (!won) {
      await this.pieces.tidy(row.key, written);
      return false;
    }
    if (row.status === 'IN_PROGRESS') this.clocks.watch.saw(row.key, facts.revision);
    if (facts.unswept) await this.finishDrop(row.key, facts);
    else if (seen.facts) await this.tidyReplaced(row.key, seen.facts, facts);
    return true;
  }

  /** A request whose reply was lost is sent again by the SDK, and then finds its own write in its way. */
  private async isWritten(key: string, { revision }: RowFacts, written: NewPieces[]): Promise<boolean> {
    const item = await this.table.get(key, ROW);
    if (!item) return false;
    const found = factsOf(key, item);
    const named = new Set(setsOf(found).map(({ id }) => id));
    return found.revision === revision || written.some(({ id }) => named.has(id));
  }

  private async tidyReplaced(key: string, before: RowFacts, after: RowFacts): Promise<void> {
    const named = new Set(setsOf(after).map(({ id }) => id));
    await this.pieces.tidy(
      key,
      setsOf(before).filter(({ id }) => !named.has(id)),
    );
  }

  /**
   * Erases what a drop has left; a row says that this is to be done until it is. Whatever was found before the
   * row was seen at that drop is named by no row and by none that can still be written, so that a process which
   * is frozen in between erases nothing that is new.
   */
  private async finishDrop(key: string, { drops, revision }: RowFacts): Promise<void> {
    const found = await this.pieces.find(key, drops);
    const item = await this.table.get(key, ROW);
    if (!item || factsOf(key, item).drops < drops) return;
    await this.pieces.erase(key, found);
    await this.table.unset(key, ROW, 'unswept', revision);
  }

  /** @returns whether the row was erased: with all that was found beside it before */
  private async removeRow(seen: SeenRow): Promise<boolean> {
    const { key } = seen;
    const { job, facts } = await this.look(key);
    if (!facts || !isAsSeen(job, seen)) return false;
    const found = await this.pieces.find(key);
    const isGone =
      (await this.table.remove(key, ROW, facts.revision)) ||
      // a request whose reply was lost is sent again by the SDK, and then finds nothing
      (await this.table.get(key, ROW)) === undefined;
    if (isGone) await this.pieces.erase(key, found);
    return isGone;
  }
}
