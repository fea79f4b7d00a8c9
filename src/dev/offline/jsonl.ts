import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, readFileSync, truncateSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { dirname } from 'node:path';

/** A file of JSON lines that only grows. Made by {@link openJsonLines}. */
export interface JsonLines {
  /** Writes one line; resolves once it would survive a power cut (fsync). */
  append(line: object): Promise<void>;
  /** Waits for every line given so far, then closes the file. */
  close(): Promise<void>;
}

/**
 * Opens a JSON Lines file for appending and makes it, with its folders, where it does not exist.
 * A last line that a crash tore is cut off first, so that the next one does not run into it.
 * Lines given while a flush is under way share the next one, so that 500 calls do not cost 500 fsyncs.
 *
 * @throws the file system's error where the file can't be written.
 */
export async function openJsonLines(file: string): Promise<JsonLines> {
  mkdirSync(dirname(file), { recursive: true });
  cutTornTail(file);
  const handle = await open(file, 'a');
  syncFolder(dirname(file));
  return new Appender(handle);
}

/**
 * Reads a JSON Lines file; none is an empty one. A torn last line is left out, as its write was never acknowledged.
 *
 * @throws Error naming file and line where any other line is not JSON.
 */
export function readJsonLines<T>(file: string): T[] {
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, 'utf8').split('\n');
  // What follows the last newline is either nothing or torn.
  lines.pop();
  return lines.map((line, index) => {
    try {
      return JSON.parse(line) as T;
    } catch (cause) {
      throw new Error(`Line ${index + 1} of ${file} is not JSON; the file was changed by another hand.`, {
        cause,
      });
    }
  });
}

class Appender implements JsonLines {
  private waiting: { text: string; done: () => void; failed: (error: unknown) => void }[] = [];
  private flushing: Promise<void> | undefined;

  constructor(private readonly handle: FileHandle) {}

  append(line: object): Promise<void> {
    return new Promise((done, failed) => {
      this.waiting.push({ text: `${JSON.stringify(line)}\n`, done, failed });
      this.flushing ??= this.flush();
    });
  }

  async close(): Promise<void> {
    await this.flushing;
    await this.handle.close();
  }

  private async flush(): Promise<void> {
    while (this.waiting.length > 0) {
      const batch = this.waiting;
      this.waiting = [];
      try {
        await this.handle.appendFile(batch.map((entry) => entry.text).join(''));
        await this.handle.datasync();
        for (const entry of batch) entry.done();
      } catch (error) {
        for (const entry of batch) entry.failed(error);
      }
    }
    this.flushing = undefined;
  }
}

function cutTornTail(file: string): void {
  if (!existsSync(file)) return;
  const bytes = readFileSync(file);
  const whole = bytes.lastIndexOf(0x0a) + 1;
  if (whole < bytes.length) truncateSync(file, whole);
}

/** A new file's name is durable only once its folder is. */
function syncFolder(folder: string): void {
  const fd = openSync(folder, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
