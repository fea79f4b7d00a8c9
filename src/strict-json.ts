import { isUtf8 } from 'node:buffer';
import { MAX_INPUT_VALUES } from './digest';

/** Deeper than an input may be nested (500, by the digest's rule) by the wrapping of a request. */
const MAX_DEPTH = 512;
/** More than an input may have by the wrapping of a request. */
const MAX_VALUES = MAX_INPUT_VALUES + 12;

/** Why a text is not taken; shows nothing of it. */
export class StrictJsonError extends Error {
  /** @param why - goes on after a colon: `it is not JSON` */
  constructor(why: string) {
    super(why);
    this.name = 'StrictJsonError';
  }
}

/**
 * Reads JSON that means one thing to every reader. Beyond `JSON.parse`: the bytes are UTF-8; no object has a
 * key twice, even with equal values (RFC 8259, 4: what a receiver makes of it is unpredictable); none has
 * `__proto__`, which code further on could take for a prototype; nesting ends at 512. What has more values than
 * any input may is refused before it is parsed: a million keys in a few megabytes hold up a process for seconds.
 *
 * `lossless-json` lets a repeated key with an equal value pass, hence the scan of our own; numbers are those of
 * `JSON.parse`.
 *
 * @param body - bytes, or a text that somebody has decoded
 * @throws StrictJsonError
 */
export function parseStrictJson(body: Buffer | string): unknown {
  const text = typeof body === 'string' ? body : decodeUtf8(body);
  limitValues(text);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new StrictJsonError('it is not JSON');
  }
  scanKeys(text);
  return value;
}

function decodeUtf8(body: Buffer): string {
  if (!isUtf8(body)) throw new StrictJsonError('it is not UTF-8');
  return body.toString('utf8');
}

/**
 * Counts keys and array elements in what need not be JSON: a comma stands before each but the first of its
 * object or array.
 */
function limitValues(text: string): void {
  // each takes a character at least
  if (text.length <= MAX_VALUES) return;
  let values = 0;
  let isFirst = false;
  for (let at = 0; at < text.length; at += 1) {
    const char = text.charCodeAt(at);
    if (char <= 0x20) continue;
    const isEnd = char === 0x7d || char === 0x5d;
    if (char === 0x2c || (isFirst && !isEnd)) values += 1;
    isFirst = char === 0x7b || char === 0x5b;
    if (char === 0x22) at = endOfString(text, at);
    if (values > MAX_VALUES) {
      throw new StrictJsonError(
        `it has more than ${MAX_INPUT_VALUES} values, keys and array elements counted`,
      );
    }
  }
}

/**
 * Goes through a text that is known to be JSON, a structural character at a time: a set of keys for each open
 * object, null for each open array. No recursion, so that depth costs no stack.
 */
function scanKeys(text: string): void {
  const open: (Set<string> | null)[] = [];
  let isKey = false;
  for (let at = 0; at < text.length; at += 1) {
    switch (text.charCodeAt(at)) {
      case 0x22: {
        const end = endOfString(text, at);
        if (isKey) addKey(open.at(-1)!, text.slice(at, end + 1));
        isKey = false;
        at = end;
        break;
      }
      case 0x7b: // {
      case 0x5b: // [
        isKey = text[at] === '{';
        open.push(isKey ? new Set() : null);
        if (open.length > MAX_DEPTH) throw new StrictJsonError(`it is nested more than ${MAX_DEPTH} deep`);
        break;
      case 0x7d: // }
      case 0x5d: // ]
        open.pop();
        isKey = false;
        break;
      case 0x2c: // ,
        isKey = open.at(-1) instanceof Set;
    }
  }
}

/** The index of the quote that closes the string which opens at `from`; the text's length where none does. */
function endOfString(text: string, from: number): number {
  let at = from + 1;
  for (; at < text.length && text.charCodeAt(at) !== 0x22; at += 1) if (text.charCodeAt(at) === 0x5c) at += 1;
  return at;
}

function addKey(keys: Set<string>, quoted: string): void {
  // escapes count as what they stand for: "a" and "\u0061" are one key
  const key = quoted.includes('\\') ? (JSON.parse(quoted) as string) : quoted.slice(1, -1);
  if (key === '__proto__') throw new StrictJsonError('a key is named __proto__');
  if (keys.has(key)) throw new StrictJsonError('an object has a key twice');
  keys.add(key);
}
