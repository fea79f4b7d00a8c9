import { constants } from 'node:os';
import { ConfigError, StoreCorruptError, UnreachableError, UserError } from '../errors';

// Primary result codes, https://sqlite.org/rescode.html
const PERM = 3;
const BUSY = 5;
const LOCKED = 6;
const READONLY = 8;
const IOERR = 10;
const CORRUPT = 11;
const FULL = 13;
const CANTOPEN = 14;
const PROTOCOL = 15;
const NOTADB = 26;

/** What a system says of a write to a file, or a disk, that was made read-only while in use. */
const FORBIDDING = [constants.errno.EPERM, constants.errno.EACCES, constants.errno.EROFS];

/** SQLite's standing texts of the codes that a read of many rows can meet. */
const CODES: Readonly<Record<string, number>> = {
  'database is locked': BUSY,
  'database table is locked': LOCKED,
  'locking protocol': PROTOCOL,
  'database disk image is malformed': CORRUPT,
  'file is not a database': NOTADB,
};

/** What `node:sqlite` and its likeness throw. */
interface SqliteError extends Error {
  code: 'ERR_SQLITE_ERROR';
  /** Missing where `StatementSync.all` of @photostructure/sqlite 1.2.1 throws. */
  errcode?: number;
  systemErrno?: number;
}

function isSqliteError(error: unknown): error is SqliteError {
  // by shape: native code makes its errors in the main realm, which a test's or a vm's Error is not
  return (error as Partial<SqliteError> | null)?.code === 'ERR_SQLITE_ERROR';
}

function primaryCode(error: SqliteError): number {
  const code = (error.errcode ?? CODES[error.message] ?? 1) & 0xff;
  if (code !== IOERR) return code;
  // SQLite has one code for all that a disk may refuse; the system's own number tells what it was
  if (FORBIDDING.includes(error.systemErrno ?? 0)) return READONLY;
  return error.systemErrno === constants.errno.EDQUOT ? FULL : code;
}

/** Whether another connection holds a lock, so that trying again soon can help. */
export function isLocked(error: unknown): boolean {
  // PROTOCOL: two connections raced for the write-ahead log's own locks
  return isSqliteError(error) && [BUSY, LOCKED, PROTOCOL].includes(primaryCode(error));
}

/**
 * A fault of a store in use, in words for people. Errors that aren't SQLite's (a decision's own, say) are
 * returned as they are.
 *
 * @param file - the store's file
 * @param key - the job that was asked about, where it was one
 */
export function toStoreFault(error: unknown, file: string, key?: string): unknown {
  if (!isSqliteError(error)) return error;
  switch (primaryCode(error)) {
    case BUSY:
    case LOCKED:
    case PROTOCOL:
      return unreachable(
        error,
        `${file} is locked by another process and stays so; end what holds it (a backup, a database browser) and try again`,
      );
    case FULL:
      return unreachable(
        error,
        `${file} can't grow because the disk is full; nothing was written, free some space and try again`,
      );
    case READONLY:
    case PERM:
      return unreachable(
        error,
        `${file} can't be written any more; make it, its folder and its disk writable for this user again`,
      );
    case CORRUPT:
    case NOTADB:
      return toDamage(error, file, key);
    default:
      return unreachable(
        error,
        `${file} can't be read or written (${error.message}); look at its disk and try again`,
      );
  }
}

function toDamage(cause: SqliteError, file: string, key?: string): UserError {
  if (key !== undefined) return new StoreCorruptError(key, `the file ${file} is damaged`, cause);
  return new UserError(`The store ${file} is damaged; restore it from a backup.`, {
    code: 'store_corrupt',
    cause,
  });
}

/** What to say of a path that this user has no right to. */
const FORBIDDEN =
  'this user may not write there; give write permission for the file and its folder, or name another path in INFER_ONCE_STORE_URL';

/**
 * A fault at opening, in words for people: mostly a path that can't be a store.
 *
 * @param error - SQLite's, or one of the file system's
 */
export function toOpenFault(error: unknown, file: string): unknown {
  const why = isSqliteError(error) ? sqliteOpenFault(error) : fileSystemFault(error);
  if (why !== null) return new ConfigError(`The store ${file} can't be opened: ${why}.`, error);
  const { errno, code } = error as NodeJS.ErrnoException;
  return errno === undefined
    ? toStoreFault(error, file)
    : unreachable(error, `${file} can't be opened (${code}); look at its disk and try again`);
}

function sqliteOpenFault(error: SqliteError): string | null {
  switch (primaryCode(error)) {
    case NOTADB:
      return 'the file is not a SQLite database; name another path in INFER_ONCE_STORE_URL';
    case CANTOPEN:
      // a lack of file descriptors passes; a lack of rights does not
      return [constants.errno.EMFILE, constants.errno.ENFILE].includes(error.systemErrno ?? 0)
        ? null
        : FORBIDDEN;
    case READONLY:
    case PERM:
      return FORBIDDEN;
    default:
      return null;
  }
}

function fileSystemFault(error: unknown): string | null {
  switch ((error as NodeJS.ErrnoException | null)?.code) {
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return FORBIDDEN;
    case 'EEXIST':
    case 'ENOTDIR':
      return 'a part of the path is a file and not a folder; name another path in INFER_ONCE_STORE_URL';
    case 'ENOENT':
      return "its folder can't be made there; name another path in INFER_ONCE_STORE_URL";
    default:
      return null;
  }
}

function unreachable(cause: unknown, what: string): UnreachableError {
  return new UnreachableError('store', `The store ${what}.`, cause);
}
