import type { DynamoTable } from './dynamodb-table';

/** A text in pieces: under which sort keys, and how many. */
export interface PieceSet {
  id: string;
  pieces: number;
}

/** A text that is to be written in pieces. */
export interface NewPieces extends PieceSet {
  body: Buffer;
}

/** DynamoDB allows an item 400 KB, its keys and names included. */
const PIECE_BYTES = 380_000;
/** How many pieces are on their way at once. */
const LANES = 8;

/**
 * Cuts a text. The id holds how often the job's blobs were dropped before, so that all that is older than a
 * drop can be told by its key, and the revision of the write, so that no two writers share a piece.
 */
export function cutPieces(text: string, drops: number, revision: string, index: number): NewPieces {
  const body = Buffer.from(text);
  return {
    id: `${dropsPrefix(drops)}.${revision}.${index}`,
    pieces: Math.ceil(body.length / PIECE_BYTES),
    body,
  };
}

/** Texts too large for the row's item, in items of their own beside it, written before the row that names them. */
export class DynamoPieces {
  constructor(private readonly table: DynamoTable) {}

  async write(key: string, sets: readonly NewPieces[]): Promise<void> {
    const all = sets.flatMap((set) =>
      sortKeys(set).map((sk, index) => ({ sk, body: pieceOf(set.body, index) })),
    );
    await inLanes(all, async ({ sk, body }) => {
      await this.table.put({ pk: { S: key }, sk: { S: sk }, body: { B: body } });
    });
  }

  /** The text; null where a piece is missing, as when the row that names it has been replaced meanwhile. */
  async read(key: string, { id, pieces }: PieceSet): Promise<string | null> {
    if (pieces === 0) return '';
    const found: Uint8Array[] = [];
    const pages = this.table.query({
      KeyConditionExpression: 'pk = :pk AND begins_with(sk, :prefix)',
      ExpressionAttributeValues: { ':pk': { S: key }, ':prefix': { S: `piece#${id}#` } },
      ConsistentRead: true,
    });
    for await (const items of pages) for (const { body } of items) found.push(body?.B ?? new Uint8Array());
    return found.length === pieces ? Buffer.concat(found).toString() : null;
  }

  /** Best effort: a piece that nobody names does no harm. */
  async tidy(key: string, sets: readonly PieceSet[]): Promise<void> {
    await this.erase(key, sets.flatMap(sortKeys)).catch(() => undefined);
  }

  /**
   * The sort keys of a job's pieces, also of those that a writer which died has left.
   *
   * @param before - only those that were written before this drop; default all
   */
  async find(key: string, before?: number): Promise<string[]> {
    const pages = this.table.query({
      KeyConditionExpression: 'pk = :pk AND sk BETWEEN :first AND :last',
      ExpressionAttributeValues: {
        ':pk': { S: key },
        ':first': { S: 'piece#' },
        ':last': { S: before === undefined ? 'piece$' : `piece#${dropsPrefix(before)}` },
      },
      ProjectionExpression: 'sk',
      ConsistentRead: true,
    });
    const found: string[] = [];
    for await (const items of pages) found.push(...items.map(({ sk }) => sk!.S!));
    return found;
  }

  async erase(key: string, found: readonly string[]): Promise<void> {
    await inLanes(found, async (sk) => {
      await this.table.remove(key, sk);
    });
  }
}

function dropsPrefix(drops: number): string {
  return String(drops).padStart(8, '0');
}

function sortKeys({ id, pieces }: PieceSet): string[] {
  return Array.from({ length: pieces }, (_, index) => `piece#${id}#${String(index).padStart(4, '0')}`);
}

function pieceOf(body: Buffer, index: number): Buffer {
  return body.subarray(index * PIECE_BYTES, (index + 1) * PIECE_BYTES);
}

/** Does a step for each thing, a few at once. */
export async function inLanes<T>(things: readonly T[], step: (thing: T) => Promise<void>): Promise<void> {
  const left = things.values();
  const lane = async () => {
    for (const thing of left) await step(thing);
  };
  await Promise.all(Array.from({ length: LANES }, lane));
}
