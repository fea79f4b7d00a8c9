import { randomBytes } from 'node:crypto';
import type { StoreCorruptError } from '../errors';
import { ALONE, Batches } from './batches';
import { mayBeOfOneRow } from './postgres-faults';
import type { PostgresQueries } from './postgres-queries';
import { lookAt, type Query } from './postgres-statements';
import { type RowWrite, writeRow, writeRows, writeWithBlobs } from './postgres-writes';
import { decodeRow, type JobRow } from './row';
import type { Change, StoredJob } from './store';

/** A row as it was seen, by which a write of it is conditional. */
export interface Seen {
  job: StoredJob | null;
  now: number;
  revision: string | null;
}

interface Look {
  now: number;
  key: string | null;
  status: unknown;
  doc: unknown;
  revision: string | null;
}

/** A server that hangs is given up after 30 s, so nobody waits longer than 40. */
const PATIENCE_MS = 10_000;

/** A longer row goes by itself: it would be the others' wait. */
const LARGE = 32 * 1024;

/** Looks at rows and writes them, many by one statement where many are asked for at once. */
export class PostgresRows {
  private readonly looks = new Batches(
    (keys: readonly string[]) => this.lookAtAll(keys),
    isForAll,
    PATIENCE_MS,
  );
  private readonly inserts = new Batches(
    (writes: readonly RowWrite[]) => this.writeAll(writes),
    isForAll,
    PATIENCE_MS,
  );
  private readonly updates = new Batches(
    (writes: readonly RowWrite[]) => this.writeAll(writes),
    isForAll,
    PATIENCE_MS,
  );

  constructor(private readonly queries: PostgresQueries) {}

  readonly look = (key: string): Promise<Seen> => this.looks.run(key);

  /** @returns false where another writer came between */
  readonly write = async (row: JobRow, { revision }: Seen, change: Change<unknown>): Promise<boolean> => {
    // random: a counter gives the same number out again where a job was erased and began anew, or a server lost a write
    const next = randomBytes(8).readBigInt64BE().toString();
    const write = { row: { ...row, revision: next }, revision };
    const hasBlobs = change.dropBlobs || Object.keys(change.blobs ?? {}).length > 0;
    if (hasBlobs) return this.writeAlone(writeWithBlobs(write, change), row.key);
    if (row.doc.length > LARGE) return this.writeAlone(writeRow(write), row.key);
    return (revision === null ? this.inserts : this.updates).run(write);
  };

  private async lookAtAll(keys: readonly string[]): Promise<(Seen | Error)[]> {
    const different = [...new Set(keys)];
    const { statement, values } = lookAt(different);
    const rows = await this.queries.run<Look>(statement, values, onlyOne(different));
    const seen = new Map(different.map((key, index) => [key, toSeen(rows[index]!)]));
    return keys.map((key) => seen.get(key)!);
  }

  private async writeAll(writes: readonly RowWrite[]): Promise<(boolean | typeof ALONE)[]> {
    const [first] = writes;
    if (writes.length === 1) return [await this.writeAlone(writeRow(first!), first!.row.key)];
    // in one order by all who write several: else two might wait for each other
    const sorted = [...writes].sort((a, b) => (a.row.key < b.row.key ? -1 : 1));
    const { statement, values } = writeRows(sorted);
    const written = await this.queries.run<{ revision: string }>(statement, values);
    const revisions = new Set(written.map(({ revision }) => revision));
    // an update that met somebody at its row waits for him by itself
    const missed = first!.revision === null ? false : ALONE;
    return writes.map(({ row }) => revisions.has(row.revision) || missed);
  }

  private async writeAlone({ statement, values }: Query, key: string): Promise<boolean> {
    return (await this.queries.run(statement, values, key)).length === 1;
  }
}

function toSeen({ key, status, doc, revision, now }: Look): Seen | Error {
  try {
    return { job: key === null ? null : decodeRow({ key, status, doc }), now, revision };
  } catch (error) {
    return error as StoreCorruptError;
  }
}

const onlyOne = (keys: readonly string[]): string | undefined => (keys.length === 1 ? keys[0] : undefined);

const isForAll = (error: unknown): boolean => !mayBeOfOneRow((error as Error).cause);
