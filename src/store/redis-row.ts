import { StoreCorruptError } from '../errors';
import type { Position } from './page';
import type { JobRow } from './row';
import { statsOf } from './stats';
import type { StatsRow } from './store';

/** Enough for any time that JavaScript's numbers hold whole. */
const DIGITS = 16;

/** A time as text that is ordered as times are. */
export function encodeTime(ms: number): string {
  return String(ms).padStart(DIGITS, '0');
}

/** A row's place in an order of `list`. */
export function encodeMember({ updated_at, key }: Position): string {
  return `${encodeTime(updated_at)}:${key}`;
}

/** The place that a member of an order stands for. */
export function decodeMember(member: string): Position {
  return { updated_at: Number(member.slice(0, DIGITS)), key: member.slice(DIGITS + 1) };
}

/** The fields of a row's hash, each with its value. A tenant that is none is the empty text. */
export function encodeFields(row: JobRow): string[] {
  const { created_at, attempts, input_tokens, output_tokens, cost_usd } = row;
  const sums = JSON.stringify([created_at, attempts, input_tokens, output_tokens, cost_usd]);
  const { status, task, tenant, doc } = row;
  const fields = { at: encodeTime(row.updated_at), status, task, tenant: tenant ?? '', sums, doc };
  return Object.entries(fields).flat();
}

/** @throws StoreCorruptError where they are not what {@link encodeFields} writes */
function parseSums(key: string, text: string): [number, number, ...(number | null)[]] {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new StoreCorruptError(key, 'its sums are no JSON', error);
  }
}

/** What one row is in `stats`; null for a row that is not there. @throws StoreCorruptError */
export function decodeSums(key: string, task: string, status: string, sums: string): StatsRow | null {
  if (sums === '') return null;
  const [created_at, attempts, input_tokens = null, output_tokens = null, cost_usd = null] = parseSums(
    key,
    sums,
  );
  return statsOf({
    task,
    status: status as StatsRow['status'],
    created_at,
    attempts,
    input_tokens,
    output_tokens,
    cost_usd,
  });
}
