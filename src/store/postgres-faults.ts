import { ConfigError, StoreCorruptError, UnreachableError } from '../errors';

/** SQLSTATE of PostgreSQL's own errors (PostgreSQL documentation, appendix A). */
const IS_SQLSTATE = /^[0-9A-Z]{5}$/;

const CONFIG_FAULTS: Record<string, string> = {
  '28P01': 'the password is wrong',
  '28000': 'this user may not log in',
  '3D000': 'there is no such database; create it first',
  '42501':
    'this user may not make the schema infer_once or use it; grant CREATE on the database, or let infer-once setup run as a user who may',
};

const AWAY: Record<string, string> = {
  '25006': 'takes no writes, as a standby does; connect to the primary',
  '42P01': 'has lost its tables; restore them from a backup, or run infer-once setup for an empty store',
  '53100': "can't write because its disk is full; free some space",
  '53300': 'has no connection left; close some, or raise max_connections',
};

/** SQLSTATE of damage that the server found; XX000 is any internal error, also of things that pass. */
const DAMAGED = new Set(['XX001', 'XX002']);

/** SQLSTATE of a pooler's own errors (PgBouncer), whatever is wrong. */
const POOLER = '08P01';

/**
 * A fault of a store in use, in words for people; every other one is safe to try again later.
 *
 * @param name - of the database, without its password
 * @param key - the job that was asked about, where it was one
 */
export function toPostgresFault(error: unknown, name: string, key?: string): Error {
  const { code = '', message } = error as Error & { code?: string };
  if (DAMAGED.has(code) && key !== undefined) {
    return new StoreCorruptError(key, `PostgreSQL says ${code}, its data are damaged`, error);
  }
  if (code === POOLER) {
    return new UnreachableError(
      'store',
      `The store in ${name} is refused by its pooler (${message}).`,
      error,
    );
  }
  const why =
    AWAY[code] ?? `does not answer (${IS_SQLSTATE.test(code) ? code : code || message}); see that it runs`;
  return new UnreachableError('store', `The store in ${name} ${why}.`, error);
}

/** A fault at opening: mostly something in the URL or in the user's rights. */
export function toPostgresOpenFault(error: unknown, name: string): Error {
  if (error instanceof ConfigError) return error;
  const why = CONFIG_FAULTS[(error as { code?: string }).code ?? ''];
  return why
    ? new ConfigError(`The store in ${name} can't be opened: ${why}.`, error)
    : toPostgresFault(error, name);
}

/** Whether a pooler stands before the server that takes no settings of a session (PgBouncer, in any mode). */
export function refusesSettings(error: unknown): boolean {
  const { code, message } = error as Error & { code?: string };
  return code === POOLER && message.startsWith('unsupported startup parameter');
}

/** Whether a named statement was met, or missed, in a session that is not ours alone. It was not executed then. */
export function isOfAnotherSession(error: unknown): boolean {
  const { code } = error as { code?: string };
  return code === '26000' || code === '42P05';
}

/** Classes of SQLSTATE that say nothing of a row: connection, right, missing table, resources, shutdown or time-out. */
const OF_ALL = /^(08|0A|25|28|3D|3F|42|53|57)/;

/** Whether a statement for many rows may have been refused for the sake of one of them. It was not executed then. */
export function mayBeOfOneRow(error: unknown): boolean {
  const { code = '' } = (error ?? {}) as { code?: string };
  return IS_SQLSTATE.test(code) && !OF_ALL.test(code);
}
