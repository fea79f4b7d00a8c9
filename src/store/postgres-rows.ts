import { randomBytes } from 'node:crypto';
import { inBatches } from './batches';
import { isOfOneRow } from './postgres-faults';
import type { PostgresQueries } from './postgres-queries';
import { LOOK, type RowWrite, writeRows, writeWithBlobs } from './postgres-statements';
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

const isOfOne = (error: unknown): boolean => isOfOneRow((error as Error).cause);

/** Looks at rows and writes them, many by one statement where many are asked for at once. */
export class PostgresRows {
  private readonly insert = inBatches((writes: readonly RowWrite[]) => this.writeAll(writes), isOfOne);
  private readonly replace = inBatches((writes: readonly RowWrite[]) => this.writeAll(writes), isOfOne);

  constructor(private readonly queries: PostgresQueries) {}

  readonly look = inBatches((keys: readonly string[]) => this.lookAtAll(keys), isOfOne);

  /** @returns false where another writer came between */
  readonly write = async (row: JobRow, { revision }: Seen, change: Change<unknown>): Promise<boolean> => {
    // random: a counter gives the same number out again where a job was erased and began anew, or a server lost a write
    const next = randomBytes(8).readBigInt64BE().toString();
    const write = { row: { ...row, revision: next }, revision };
    if (change.dropBlobs || Object.keys(change.blobs ?? {}).length > 0) {
      const { statement, values } = writeWithBlobs(write, change);
      return (await this.queries.run(statement, values, row.key)).length === 1;
    }
    return revision === null ? this.insert(write) : this.replace(write);
  };

  private async lookAtAll(keys: readonly string[]): Promise<(Seen | Error)[]> {
    const rows = await this.queries.run<Look>(LOOK, [keys], onlyOne(keys));
    return rows.map(({ key, status, doc, revision, now }) => {
      try {
        return { job: key === null ? null : decodeRow({ key, status, doc }), now, revision };
      } catch (error) {
        return error as Error;
      }
    });
  }

  private async writeAll(writes: readonly RowWrite[]): Promise<boolean[]> {
    // in one order by all who write several: else two might wait for each other
    const sorted = [...writes].sort((a, b) => (a.row.key < b.row.key ? -1 : 1));
    const { statement, values } = writeRows(sorted);
    const key = onlyOne(writes.map(({ row }) => row.key));
    const written = await this.queries.run<{ revision: string }>(statement, values, key);
    const revisions = new Set(written.map(({ revision }) => revision));
    return writes.map(({ row }) => revisions.has(row.revision));
  }
}

const onlyOne = (keys: readonly string[]): string | undefined => (keys.length === 1 ? keys[0] : undefined);
