import { readFile } from 'node:fs/promises';
import { buffer } from 'node:stream/consumers';
import { ConfigError } from '../errors';

/**
 * A job's input from the command line: JSON, `@FILE`, or `-` for stdin.
 *
 * @throws ConfigError that says what is wrong with it, without showing it
 */
export async function readInput(text: string): Promise<unknown> {
  if (text === '-') return parseJson(await buffer(process.stdin), 'stdin');
  if (text.startsWith('@')) return readJsonFile(text.slice(1));
  return parseJson(
    Buffer.from(text),
    '--input',
    ' It must be JSON, e.g. \'{"title": "Alien"}\', or @FILE, or -.',
  );
}

/** @throws ConfigError where the file can't be read or is no JSON */
export async function readJsonFile(path: string): Promise<unknown> {
  const bytes = await readFile(path).catch((cause: NodeJS.ErrnoException) => {
    throw new ConfigError(`File ${JSON.stringify(path)} can't be read: ${fileFault(cause)}.`, cause);
  });
  return parseJson(bytes, `File ${JSON.stringify(path)}`);
}

const FILE_FAULTS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file or folder',
  ENOTDIR: 'part of its path is no folder',
  EISDIR: 'it is a folder',
  EACCES: 'this user has no right to',
  EROFS: 'its disk is read-only',
  ENOSPC: 'the disk is full',
};

/** What the file system says, as the end of a sentence. */
export function fileFault(cause: unknown): string {
  const { code, message } = cause as NodeJS.ErrnoException;
  return FILE_FAULTS[code ?? ''] ?? code ?? message;
}

function parseJson(bytes: Buffer, what: string, hint = ''): unknown {
  const parsed = tryParseJson(bytes);
  if ('fault' in parsed) throw new ConfigError(`${what} ${parsed.fault}.${hint}`);
  return parsed.value;
}

/** A byte order mark at the start is dropped. One for all: a new one a line is memory that comes back late. */
const UTF8 = new TextDecoder('utf-8', { fatal: true });

/** A value, or why the bytes are no JSON as the end of a sentence; the text itself is not shown. */
export function tryParseJson(bytes: Buffer): { value: unknown } | { fault: string } {
  let text: string;
  try {
    text = UTF8.decode(bytes);
  } catch {
    return { fault: 'is not UTF-8' };
  }
  if (text.trim() === '') return { fault: 'is empty' };
  try {
    return { value: JSON.parse(text) };
  } catch (error) {
    const place = /at position (\d+)/.exec((error as Error).message)?.[1];
    return { fault: place ? `is no JSON (at character ${Number(place) + 1})` : 'is no JSON' };
  }
}
