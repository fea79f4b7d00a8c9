import { StoreCorruptError } from '../errors';
import { factsOf, ROW } from './dynamodb-items';
import type { DynamoPieces } from './dynamodb-pieces';
import type { DynamoTable, Item } from './dynamodb-table';
import type { Position } from './page';
import { decodeRow } from './row';
import type { ListPage, StoredJob } from './store';

/** A row's item, with its job's JSON. */
export type FoundRow = { item: Item; doc: string | undefined } | { item: undefined; doc: null };

/** Rows, and what they name in pieces, read so that both are of one moment. */
export class DynamoRows {
  constructor(
    private readonly table: DynamoTable,
    private readonly pieces: DynamoPieces,
  ) {}

  /** @param seen - the row as it was read already */
  async read(key: string, seen?: Item): Promise<FoundRow> {
    return this.readNamed(
      key,
      async (item) => {
        if (!item) return { item, doc: null };
        const { docPieces } = factsOf(key, item);
        if (!docPieces) return { item, doc: item.doc?.S };
        const doc = await this.pieces.read(key, docPieces);
        return doc === null ? undefined : { item, doc };
      },
      seen,
    );
  }

  /** A blob's text, or null where there is none. */
  async readBlob(key: string, name: string): Promise<string | null> {
    return this.readNamed(key, async (item) => {
      const set = item && factsOf(key, item).blobs[name];
      return set ? ((await this.pieces.read(key, set)) ?? undefined) : null;
    });
  }

  /**
   * The jobs at these places, in their order.
   *
   * @param status - leaves out what has gone on to another: the index is a moment late, and it is in that one's list
   */
  async readMany(
    places: readonly Position[],
    status: string | undefined,
  ): Promise<Pick<ListPage, 'jobs' | 'corrupt'>> {
    const items = await this.table.getMany(places.map(({ key }) => ({ pk: key, sk: ROW })));
    const byKey = new Map(items.map((item) => [item.pk!.S!, item]));
    const jobs: StoredJob[] = [];
    const corrupt: NonNullable<ListPage['corrupt']> = [];
    for (const { key } of places) {
      const seen = byKey.get(key);
      if (!seen) continue;
      try {
        const { item, doc } = await this.read(key, seen);
        if (!item || (status !== undefined && item.status?.S !== status)) continue;
        jobs.push(decodeRow({ key, status: item.status?.S, doc }));
      } catch (error) {
        if (!(error instanceof StoreCorruptError)) throw error;
        corrupt.push({ key, message: error.message });
      }
    }
    return { jobs, ...(corrupt.length > 0 && { corrupt }) };
  }

  /**
   * Reads a row and something in pieces that it names. Where a piece is missing (`undefined`), the row has been
   * replaced meanwhile, and is read again; one that has not is damaged.
   */
  private async readNamed<T>(
    key: string,
    readPieces: (item: Item | undefined) => Promise<T | undefined>,
    seen?: Item,
  ): Promise<T> {
    let item = seen ?? (await this.table.get(key, ROW));
    for (let before: string | undefined; ; item = await this.table.get(key, ROW)) {
      const found = await readPieces(item);
      if (found !== undefined) return found;
      const revision = item?.rev?.S;
      if (revision === before) throw new StoreCorruptError(key, 'a piece of its text is missing');
      before = revision;
    }
  }
}
