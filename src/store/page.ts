import { UserError } from '../errors';

/** How many rows a page has where the caller does not say. */
export const DEFAULT_PAGE = 100;
/** How many rows a page has at most, whatever the caller says. */
export const MAX_PAGE = 1000;

/** The place in a list after which the next page begins: the last row of the page before. */
export interface Position {
  updated_at: number;
  key: string;
}

/** How many rows a page may have: whole, from 1 to {@link MAX_PAGE}. */
export function pageSize(limit: number = DEFAULT_PAGE): number {
  if (Number.isNaN(limit)) return DEFAULT_PAGE;
  return Math.min(Math.max(Math.trunc(limit), 1), MAX_PAGE);
}

/** A position as the opaque text that callers hand back. */
export function encodeCursor({ updated_at, key }: Position): string {
  return Buffer.from(JSON.stringify([updated_at, key])).toString('base64url');
}

/**
 * The position that a cursor stands for.
 *
 * @throws UserError `invalid_cursor` for text that no page gave
 */
export function decodeCursor(cursor: string): Position {
  try {
    const [updated_at, key] = JSON.parse(Buffer.from(cursor, 'base64url').toString()) as [unknown, unknown];
    if (typeof updated_at === 'number' && typeof key === 'string') return { updated_at, key };
  } catch {
    // falls through to the one message
  }
  throw new UserError('The cursor is not one that a list gave; start again without it.', {
    code: 'invalid_cursor',
  });
}
