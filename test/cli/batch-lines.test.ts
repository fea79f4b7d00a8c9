import fc from 'fast-check';
import { splitLines } from '../../src/cli/batch/lines';

async function read(chunks: Buffer[]): Promise<{ number: number; text: string }[]> {
  async function* feed() {
    yield* chunks;
  }
  const lines: { number: number; text: string }[] = [];
  for await (const { number, bytes } of splitLines(feed())) lines.push({ number, text: bytes.toString() });
  return lines;
}

test('lines come whole and with their numbers, however the file is cut into chunks', async () => {
  const line = fc.string({ unit: fc.constantFrom('a', 'é', '漢', ' ', '\r'), maxLength: 8 });
  await fc.assert(
    fc.asyncProperty(fc.array(line), fc.integer({ min: 1, max: 7 }), async (lines, size) => {
      const bytes = Buffer.from(lines.join('\n'));
      const chunks: Buffer[] = [];
      for (let i = 0; i < bytes.length; i += size) chunks.push(bytes.subarray(i, i + size));
      const expected = lines
        .map((text, index) => ({ number: index + 1, text }))
        .filter(({ text }) => text.trim() !== '');
      expect(await read(chunks)).toEqual(expected);
    }),
  );
});

test('a file is read no further than the lines that were asked for, and their sizes add up to it', async () => {
  const chunks = ['{"a":1}\n\n', '{"b"', ':2}\n{"c":3}', '\n'].map((text) => Buffer.from(text));
  let read = 0;
  async function* feed() {
    for (const chunk of chunks) {
      read += 1;
      yield chunk;
    }
  }
  const lines = splitLines(feed());
  const seen: [number, number][] = [];
  for await (const { size } of lines) seen.push([size, read]);
  expect(seen).toEqual([
    [8, 1],
    [9, 3],
    [8, 4],
  ]);
});

test('a line without an end is refused before it fills the memory', async () => {
  const mebibyte = Buffer.alloc(1024 * 1024, 'x');
  await expect(read(Array.from({ length: 70 }, () => mebibyte))).rejects.toThrow(
    /Line 1 is longer than 64 MiB/,
  );
});
