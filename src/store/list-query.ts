import type { Position } from './page';
import type { ListFilter } from './store';

/**
 * The query of one page in SQL, newest change first; every filter has an index that is in that order.
 *
 * @param table - that has the columns of a `JobRow`
 * @param steers - whether the database has no statistics of its own to choose an index by (SQLite): among several
 *   filters it then takes whichever, and one job in doubt among a million of a task was found by reading all of these
 * @returns the statement with a `?` for each value, and the values
 */
export function listQuery(
  table: string,
  { status, task, tenant }: ListFilter,
  after: Position | null,
  limit: number,
  steers = false,
): { sql: string; values: (string | number)[] } {
  const where: string[] = [];
  const values: (string | number)[] = [];
  const narrow = (condition: string, ...bound: (string | number)[]) => {
    where.push(condition);
    values.push(...bound);
  };
  // most jobs of a store are COMPLETED, few are of any other status; a `+` keeps SQLite from a column's index
  const isRare = status !== undefined && status !== 'COMPLETED';
  const isNarrowed = task !== undefined || tenant !== undefined;
  const [plusStatus, plusOthers] = steers ? [!isRare && isNarrowed ? '+' : '', isRare ? '+' : ''] : ['', ''];
  if (status !== undefined) narrow(`${plusStatus}status = ?`, status);
  if (task !== undefined) narrow(`${plusOthers}task = ?`, task);
  if (tenant === null) narrow(`${plusOthers}tenant IS NULL`);
  else if (tenant !== undefined) narrow(`${plusOthers}tenant = ?`, tenant);
  if (after) narrow('(updated_at, key) < (?, ?)', after.updated_at, after.key);
  const conditions = where.length > 0 ? `WHERE ${where.join(' AND ')}` : '';
  return {
    sql: `SELECT key, status, updated_at, doc FROM ${table} ${conditions} ORDER BY updated_at DESC, key DESC LIMIT ?`,
    values: [...values, limit],
  };
}
