import type { Position } from './page';
import type { ListFilter } from './store';

/**
 * The query of one page in SQL, newest change first; every filter has an index that is in that order.
 *
 * @param table - that has the columns of a `JobRow`
 * @returns the statement with a `?` for each value, and the values
 */
export function listQuery(
  table: string,
  { status, task, tenant }: ListFilter,
  after: Position | null,
  limit: number,
): { sql: string; values: (string | number)[] } {
  const where: string[] = [];
  const values: (string | number)[] = [];
  const narrow = (condition: string, ...bound: (string | number)[]) => {
    where.push(condition);
    values.push(...bound);
  };
  if (status !== undefined) narrow('status = ?', status);
  if (task !== undefined) narrow('task = ?', task);
  if (tenant === null) narrow('tenant IS NULL');
  else if (tenant !== undefined) narrow('tenant = ?', tenant);
  if (after) narrow('(updated_at, key) < (?, ?)', after.updated_at, after.key);
  const conditions = where.length > 0 ? `WHERE ${where.join(' AND ')}` : '';
  return {
    sql: `SELECT key, status, updated_at, doc FROM ${table} ${conditions} ORDER BY updated_at DESC, key DESC LIMIT ?`,
    values: [...values, limit],
  };
}
