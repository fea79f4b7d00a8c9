import { createSecretKey, randomBytes } from 'node:crypto';
import {
  closeSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { z } from 'zod';
import { ConfigError } from '../errors';
import { EncryptionKeys, KEY_BYTES, type KeySet } from './keys';

/** Also the part before the first dot of a sealed text. */
const KEY_ID = /^[A-Za-z0-9_-]{1,64}$/;
const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;

const Key = z
  .string()
  .refine((text) => BASE64.test(text) && Buffer.from(text, 'base64').length === KEY_BYTES, {
    error: 'a key is 32 bytes as base64',
  });

const KeysFile = z
  .strictObject({
    current: z.string(),
    keys: z.record(z.string(), Key),
    digest_key: Key,
    all_sealed: z.boolean().optional(),
  })
  .refine(({ keys }) => Object.keys(keys).every((id) => KEY_ID.test(id)), {
    path: ['keys'],
    error: 'an id is 1 to 64 letters, digits, _ and -',
  })
  .refine(({ current, keys }) => Object.hasOwn(keys, current), {
    path: ['current'],
    error: 'it names a key that the file has not',
  });

type KeysFile = z.infer<typeof KeysFile>;

/**
 * The keys in a file, followed from now on.
 *
 * @throws ConfigError, one sentence that names the file and what is wrong, and shows nothing of it
 *
 * @example
 * const keys = loadEncryptionKeys('/etc/infer-once/encryption-keys.json');
 * const store = await openStore('postgres://app@db.internal/app', { encryption: keys });
 */
export function loadEncryptionKeys(path: string): EncryptionKeys {
  let seen = look(path);
  const renew = () => {
    const now = look(path);
    if (now === seen) return null;
    seen = now;
    try {
      return toKeySet(readKeysFile(path));
    } catch {
      // half of a file, or none, while another takes its place; the keys that are known stay good
      return null;
    }
  };
  return new EncryptionKeys(toKeySet(readKeysFile(path)), path, renew);
}

/** The keys of the file that the configuration names, or null where it names none. @throws ConfigError */
export function encryptionKeysOfFile(path: string | undefined): EncryptionKeys | null {
  return path === undefined ? null : loadEncryptionKeys(path);
}

/** Makes a keys file with its first key. @returns the key's id @throws ConfigError where there is a file */
export function initKeysFile(path: string, now = new Date()): string {
  const id = newId(now, {});
  write(path, () => ({ current: id, keys: { [id]: newKey() }, digest_key: newKey() }));
  return id;
}

/**
 * Adds a key to a keys file; the ones before stay, since they open what they have sealed.
 *
 * @param options.stage - the current key stays current: every machine is to know the new one before any seals with it
 * @param options.to - in place of adding one, makes this one current
 * @returns the id of the key that was added or made current
 * @throws ConfigError where the file can't be used
 */
export function rotateKeysFile(
  path: string,
  { stage = false, to, now = new Date() }: { stage?: boolean; to?: string; now?: Date } = {},
): string {
  const draft = `${path}.new`;
  let id = '';
  // the new file is begun before the old one is read, so that of two commands at once neither is lost
  write(draft, () => {
    const { current, keys, ...others } = readKeysFile(path);
    if (to !== undefined && !Object.hasOwn(keys, to)) throw noSuchKey(path, to, Object.keys(keys));
    id = to ?? newId(now, keys);
    const added = to === undefined && { [id]: newKey() };
    return { current: stage ? current : id, keys: { ...keys, ...added }, ...others };
  });
  // whoever looks meanwhile sees the old file or the new one
  renameSync(draft, path);
  return id;
}

function noSuchKey(path: string, id: string, known: string[]): ConfigError {
  return new ConfigError(
    `There is no key ${JSON.stringify(id.slice(0, 64))} in ${path}; it has ${known.join(', ')}.`,
  );
}

/** @throws ConfigError */
function readKeysFile(path: string): KeysFile {
  let text: string;
  let mode: number;
  try {
    text = readFileSync(path, 'utf8');
    mode = statSync(path).mode;
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const remedy = code === 'ENOENT' ? `; infer-once encryption-keys init ${path} makes it` : '';
    throw new ConfigError(`The encryption keys file ${path} can't be read (${code})${remedy}.`, cause);
  }
  // a group may read: that is how Kubernetes hands secrets to a process that is not root
  if (process.platform !== 'win32' && (mode & 0o037) !== 0) {
    const is = (mode & 0o777).toString(8).padStart(4, '0');
    throw new ConfigError(
      `The encryption keys file ${path} is open to others (mode ${is}); chmod 600 ${path}, and think of its keys as known.`,
    );
  }
  return parse(path, text);
}

function parse(path: string, text: string): KeysFile {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // the parser's own words would show a piece of the file
    throw new ConfigError(`The encryption keys file ${path} is no JSON; restore it from a backup.`);
  }
  const parsed = KeysFile.safeParse(value);
  if (parsed.success) return parsed.data;
  const { path: where = [], message = '' } = parsed.error.issues[0] ?? {};
  throw new ConfigError(
    `The encryption keys file ${path} can't be used: ${where.join('.') || 'it'}: ${message}.`,
  );
}

function toKeySet({ current, keys, digest_key, all_sealed = false }: KeysFile): KeySet {
  const toKey = (text: string) => createSecretKey(text, 'base64');
  return {
    current,
    keys: new Map(Object.entries(keys).map(([id, text]) => [id, toKey(text)])),
    digestKey: toKey(digest_key),
    allSealed: all_sealed,
  };
}

function write(path: string, make: () => KeysFile): void {
  let file: number;
  try {
    file = openSync(path, 'wx', 0o600);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const why = code === 'EEXIST' ? 'is there already' : `can't be written (${code})`;
    throw new ConfigError(
      `The file ${path} ${why}; nothing was changed, for a key that is lost opens nothing any more.`,
      cause,
    );
  }
  try {
    writeSync(file, `${JSON.stringify(make(), null, 2)}\n`);
    fsyncSync(file);
  } catch (error) {
    rmSync(path, { force: true });
    throw error;
  } finally {
    closeSync(file);
  }
}

const newKey = () => randomBytes(KEY_BYTES).toString('base64');

/** The day, and a number where that day has one. */
function newId(now: Date, taken: Record<string, unknown>): string {
  const day = now.toISOString().slice(0, 10);
  for (let count = 1; ; count += 1) {
    const id = count === 1 ? day : `${day}-${count}`;
    if (!Object.hasOwn(taken, id)) return id;
  }
}

/** What changes with every write of the file. */
function look(path: string): string {
  try {
    const { mtimeNs, size, ino } = statSync(path, { bigint: true });
    return `${mtimeNs} ${size} ${ino}`;
  } catch (error) {
    return String((error as NodeJS.ErrnoException).code);
  }
}
