import {
  closeSync,
  existsSync,
  fchmodSync,
  fchownSync,
  fsyncSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { ConfigError } from '../../errors';
import { KeyEntry } from './key';

const KeysFile = z
  .strictObject({ keys: z.array(KeyEntry) })
  .refine(({ keys }) => new Set(keys.map(({ id }) => id)).size === keys.length, 'two keys have one id');

/**
 * The keys in a file, by id.
 *
 * @throws ConfigError that names the file and what is wrong; shows nothing of it
 */
export function readKeysFile(path: string): Map<string, KeyEntry> {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const remedy = code === 'ENOENT' ? '; infer-once keys add TENANT makes it' : '';
    throw new ConfigError(`The keys file ${path} can't be read (${code})${remedy}.`, cause);
  }
  return new Map(parseKeys(path, text).map((entry) => [entry.id, entry]));
}

function parseKeys(path: string, text: string): KeyEntry[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    // the parser's own words would show a piece of the file
    throw new ConfigError(`The keys file ${path} is no JSON; restore it from a backup.`, cause);
  }
  const parsed = KeysFile.safeParse(value);
  if (parsed.success) return parsed.data.keys;
  const { path: where = [], message = '' } = parsed.error.issues[0] ?? {};
  throw new ConfigError(`The keys file ${path} can't be used: ${where.join('.') || 'it'}: ${message}.`);
}

/** Another command that changes the file is done sooner. */
const LOCK_WAIT_MS = 5_000;

/**
 * Changes the keys file, which need not exist. Whoever looks meanwhile sees the old file or the new one. The new
 * one is begun before the old one is read and there is only one of it at a time, so that of two changes neither
 * is lost.
 *
 * @throws ConfigError where the file can't be read or written
 */
export async function changeKeysFile(
  path: string,
  change: (entries: Map<string, KeyEntry>) => void,
): Promise<void> {
  const real = existsSync(path) ? realpathSync(path) : path;
  const draft = `${real}.new`;
  const file = await openDraft(draft);
  try {
    const entries = readOrNone(real);
    keepAccess(real, file);
    change(entries);
    writeSync(file, `${JSON.stringify({ keys: [...entries.values()] }, null, 2)}\n`);
    fsyncSync(file);
    renameSync(draft, real);
  } catch (error) {
    rmSync(draft, { force: true });
    throw error;
  } finally {
    closeSync(file);
  }
}

/** The gateway may run as another user than who changes the keys: whoever may read the old file may read the new one. */
function keepAccess(path: string, draft: number): void {
  const before = statSync(path, { throwIfNoEntry: false });
  if (!before) return;
  fchmodSync(draft, before.mode & 0o777);
  if (before.uid !== process.getuid?.() || before.gid !== process.getgid?.()) {
    try {
      fchownSync(draft, before.uid, before.gid);
    } catch (cause) {
      const { code } = cause as NodeJS.ErrnoException;
      throw new ConfigError(
        `The keys file ${path} belongs to another user; change it as that user (${code}).`,
        cause,
      );
    }
  }
}

async function openDraft(draft: string): Promise<number> {
  const end = performance.now() + LOCK_WAIT_MS;
  for (;;) {
    try {
      return openSync(draft, 'wx', 0o600);
    } catch (cause) {
      const { code } = cause as NodeJS.ErrnoException;
      if (code !== 'EEXIST')
        throw new ConfigError(`The keys file ${draft} can't be written (${code}).`, cause);
      if (performance.now() > end) {
        throw new ConfigError(
          `Another command changes the keys, or one was killed while it did; if none runs, remove ${draft}.`,
        );
      }
      await delay(50);
    }
  }
}

function readOrNone(path: string): Map<string, KeyEntry> {
  try {
    return readKeysFile(path);
  } catch (error) {
    if (((error as ConfigError).cause as NodeJS.ErrnoException | undefined)?.code === 'ENOENT')
      return new Map();
    throw error;
  }
}
