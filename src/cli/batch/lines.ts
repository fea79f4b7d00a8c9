import { ConfigError } from '../../errors';

/** One line of a file, from 1. */
export interface Line {
  number: number;
  bytes: Buffer;
  /** How much of the file it is, in bytes: with its end and the blank lines before it. */
  size: number;
}

/** Far above the largest input of a job; without an end a binary file would fill the memory. */
const MAX_LINE_BYTES = 64 * 1024 * 1024;
const NEWLINE = 0x0a;
const BLANK = /^\s*$/;

/** The lines of a stream that are not blank; reads on only when the next is asked for, and holds one. @throws ConfigError at an endless one */
export async function* splitLines(chunks: AsyncIterable<Buffer>): AsyncGenerator<Line> {
  let number = 1;
  let rest: Buffer[] = [];
  let length = 0;
  let size = 0;
  for await (const chunk of chunks) {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      const bytes = Buffer.concat([...rest, chunk.subarray(start, end)]);
      size += bytes.length + 1;
      if (!isBlank(bytes)) {
        yield { number, bytes, size };
        size = 0;
      }
      [rest, length, start, number] = [[], 0, end + 1, number + 1];
    }
    rest.push(chunk.subarray(start));
    length += chunk.length - start;
    if (length > MAX_LINE_BYTES) {
      throw new ConfigError(
        `Line ${number} is longer than 64 MiB; is this a file with one JSON object a line?`,
      );
    }
  }
  const bytes = Buffer.concat(rest);
  if (!isBlank(bytes)) yield { number, bytes, size: size + bytes.length };
}

function isBlank(bytes: Buffer): boolean {
  return bytes.length < 1024 && BLANK.test(bytes.toString('latin1'));
}
