import { once } from 'node:events';
import { createWriteStream, realpathSync, statSync } from 'node:fs';
import { rename } from 'node:fs/promises';
import type { Writable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { ConfigError, UserError } from '../../errors';
import { fileFault } from '../input';

/** Where a batch's records go. */
export interface Output {
  /** Waits where the reader is slower. @throws UserError where it can't be written any more */
  write(text: string): Promise<void>;
  /** All is written: the file takes its name. */
  finish(): Promise<void>;
  /** Ends in mid-work. @returns the file that holds what there is; null for stdout */
  abandon(): Promise<string | null>;
}

/**
 * Opens a batch's output. A file is written as `FILE.partial` and takes its name when the batch has gone
 * through its input, so that FILE is whole at any time, and an interrupted run leaves the last one as it
 * was. What is no regular file (`/dev/null`, a named pipe) is written as it is.
 *
 * @param path - undefined = stdout
 * @throws ConfigError where it can't be opened, or is the input
 */
export async function openOutput(path: string | undefined, inputPath: string): Promise<Output> {
  if (path === undefined) return { write: writer(process.stdout), finish: noop, abandon: async () => null };
  const target = resolveTarget(path, inputPath);
  const partial = target.isPlain ? `${target.path}.partial` : target.path;
  const stream = createWriteStream(partial);
  try {
    await once(stream, 'open');
  } catch (cause) {
    throw cannotWrite(path, cause);
  }
  // each write tells its own
  stream.on('error', noop);
  const close = async () => {
    stream.end();
    await finished(stream).catch((cause) => {
      throw cannotWrite(path, cause);
    });
  };
  return {
    write: writer(stream, path),
    async finish() {
      await close();
      if (target.isPlain) await rename(partial, target.path);
    },
    async abandon() {
      await close();
      return partial;
    },
  };
}

function resolveTarget(path: string, inputPath: string): { path: string; isPlain: boolean } {
  try {
    // a link keeps pointing where it points
    const real = realpathSync(path);
    const stat = statSync(real);
    if (stat.isDirectory()) throw new ConfigError(`--out ${path} is a folder; name a file.`);
    if (inputPath !== '-' && stat.isFile() && isSame(real, inputPath)) {
      throw new ConfigError(`--out ${path} is the input file; name another.`);
    }
    return { path: real, isPlain: stat.isFile() };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { path, isPlain: true };
    throw error instanceof UserError ? error : cannotWrite(path, error);
  }
}

function isSame(real: string, inputPath: string): boolean {
  return realpathSync(inputPath) === real;
}

function writer(stream: Writable, path = 'stdout'): Output['write'] {
  // one wait for all who write meanwhile
  let drained: Promise<unknown> | undefined;
  const drain = async () => {
    await once(stream, 'drain').catch((cause) => {
      throw cannotWrite(path, cause);
    });
    drained = undefined;
  };
  return async (text) => {
    if (stream.errored) throw cannotWrite(path, stream.errored);
    if (!stream.write(text)) drained ??= drain();
    await drained;
  };
}

function cannotWrite(path: string, cause: unknown): UserError {
  return new UserError(`${path} can't be written: ${fileFault(cause)}.`, { code: 'output_failed', cause });
}

async function noop(): Promise<void> {}
