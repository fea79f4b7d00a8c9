import { randomBytes } from 'node:crypto';
import type { RowFacts } from './dynamodb-items';
import { cutPieces, type NewPieces } from './dynamodb-pieces';
import type { JobRow } from './row';
import type { Change, StoredJob } from './store';

/** A job's JSON over so many bytes is kept in pieces; the rest of the item's 400 KB is for what stands beside it. */
const DOC_LIMIT_BYTES = 300_000;

/** A row as it was seen, by which a write of it is conditional. */
export interface Seen {
  job: StoredJob | null;
  now: number;
  /** Null where there is no row. */
  facts: RowFacts | null;
}

/** What a change makes of the row's item and which pieces go before it. */
export function planWrite(
  row: JobRow,
  { job, blobs = {}, dropBlobs = false }: Change<unknown>,
  seen: Seen,
): { facts: RowFacts; written: NewPieces[] } {
  const revision = randomBytes(8).toString('hex');
  const drops = (seen.facts?.drops ?? 0) + (dropBlobs ? 1 : 0);
  const cut = (text: string, index: number) => cutPieces(text, drops, revision, index);
  const named = Object.entries(blobs).map(([name, text], index) => [name, cut(text, index)] as const);
  const isLarge = Buffer.byteLength(row.doc) > DOC_LIMIT_BYTES;
  const doc = isLarge ? cut(row.doc, named.length) : null;
  const facts: RowFacts = {
    revision,
    drops,
    unswept: dropBlobs,
    leaseMs: leaseLength(job!, seen),
    blobs: { ...(dropBlobs ? {} : seen.facts?.blobs), ...Object.fromEntries(named) },
    docPieces: doc,
  };
  return { facts, written: [...named.map(([, set]) => set), ...(doc ? [doc] : [])] };
}

function leaseLength({ lease_until, token }: StoredJob, { job, now, facts }: Seen): number {
  if (lease_until === null || lease_until === undefined) return 0;
  const isSame = job?.token === token && job.lease_until === lease_until;
  return isSame ? (facts?.leaseMs ?? 0) : Math.max(0, lease_until - now);
}
