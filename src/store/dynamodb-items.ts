import { createHash } from 'node:crypto';
import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { StoreCorruptError } from '../errors';
import type { PieceSet } from './dynamodb-pieces';
import type { Item } from './dynamodb-table';
import type { JobRow } from './row';
import { statsOf } from './stats';
import type { StatsRow } from './store';

/** The sort key of a job's row; its partition key is the job's own. */
export const ROW = 'row';
/** The index that `list` and `stats` read: by status and shard, newest change last. */
export const INDEX = 'by_change';
/** What the index holds beside its keys. */
export const INDEXED = [
  'task',
  'status',
  'tenant',
  'created_at',
  'attempts',
  'input_tokens',
  'output_tokens',
  'cost_usd',
] as const;
/** One partition takes 1,000 writes a second; each status has so many. */
export const SHARDS = 8;

/** What the store keeps beside the job in the row's item. */
export interface RowFacts {
  /** Of this write alone: by it the next one is conditional. */
  revision: string;
  /** How often the job's blobs were dropped. */
  drops: number;
  /** Pieces from before the last drop may still be there. */
  unswept: boolean;
  /** How long the lease in the row was given for, in ms; 0 where there is none. */
  leaseMs: number;
  blobs: Record<string, PieceSet>;
  /** Where the job's JSON is too large for the item. */
  docPieces: PieceSet | null;
}

export function toItem(row: JobRow, facts: RowFacts): Item {
  const { key, task, status, tenant, doc } = row;
  return {
    pk: { S: key },
    sk: { S: ROW },
    list_pk: { S: listPartition(status, shardOf(key)) },
    list_sk: { S: listPosition(row) },
    task: { S: task },
    status: { S: status },
    ...(tenant !== null && { tenant: { S: tenant } }),
    ...numbers(row, ['created_at', 'attempts', 'input_tokens', 'output_tokens', 'cost_usd']),
    rev: { S: facts.revision },
    drops: { N: String(facts.drops) },
    lease_ms: { N: String(facts.leaseMs) },
    blobs: { M: Object.fromEntries(Object.entries(facts.blobs).map(([name, set]) => [name, fromSet(set)])) },
    ...(facts.unswept && { unswept: { BOOL: true } }),
    ...(facts.docPieces ? { doc_pieces: fromSet(facts.docPieces) } : { doc: { S: doc } }),
  };
}

/** @throws StoreCorruptError for an item that this store did not write */
export function factsOf(key: string, item: Item): RowFacts {
  const { rev, drops, lease_ms, blobs, unswept, doc_pieces } = item;
  if (!rev?.S || !blobs?.M) throw new StoreCorruptError(key, 'it has no revision');
  return {
    revision: rev.S,
    drops: Number(drops?.N ?? 0),
    unswept: unswept?.BOOL === true,
    leaseMs: Number(lease_ms?.N ?? 0),
    blobs: Object.fromEntries(Object.entries(blobs.M).map(([name, set]) => [name, toSet(set)])),
    docPieces: doc_pieces ? toSet(doc_pieces) : null,
  };
}

/** Every set of pieces that a row names. */
export function setsOf({ blobs, docPieces }: Pick<RowFacts, 'blobs' | 'docPieces'>): PieceSet[] {
  return [...Object.values(blobs), ...(docPieces ? [docPieces] : [])];
}

/** An item of the index as one line of `stats`. */
export function toStats(item: Item): StatsRow {
  const { task, status, created_at, attempts, input_tokens, output_tokens, cost_usd } = item;
  return statsOf({
    task: task!.S!,
    status: status!.S as StatsRow['status'],
    created_at: Number(created_at!.N),
    attempts: Number(attempts?.N ?? 0),
    input_tokens: Number(input_tokens?.N ?? 0),
    output_tokens: Number(output_tokens?.N ?? 0),
    cost_usd: cost_usd?.N === undefined ? null : Number(cost_usd.N),
  });
}

export function listPartition(status: string, shard: number): string {
  return `${status}#${shard}`;
}

/** Orders as a list does: by change, then by key, byte by byte. */
export function listPosition({ updated_at, key }: { updated_at: number; key: string }): string {
  return `${String(updated_at).padStart(16, '0')}#${key}`;
}

/** When a row was changed, by its place in the index. */
export function changedAt(item: Item): number {
  return Number(item.list_sk!.S!.slice(0, 16));
}

function shardOf(key: string): number {
  return createHash('sha256').update(key).digest()[0]! % SHARDS;
}

function numbers<K extends keyof JobRow>(row: JobRow, names: readonly K[]): Item {
  const known = names.filter((name) => row[name] !== null);
  return Object.fromEntries(known.map((name) => [name, { N: String(row[name]) }]));
}

function fromSet({ id, pieces }: PieceSet): AttributeValue {
  return { M: { id: { S: id }, pieces: { N: String(pieces) } } };
}

function toSet({ M }: AttributeValue): PieceSet {
  return { id: M?.id?.S ?? '', pieces: Number(M?.pieces?.N ?? 0) };
}
