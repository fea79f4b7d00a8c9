import { HttpError } from './http-error';

/** Deeper than an input may be nested (500, by the digest's rule) by the wrapping of a request. */
const MAX_DEPTH = 512;

/**
 * Reads JSON that means one thing to every reader. Beyond `JSON.parse`: the bytes are UTF-8; no object has a
 * key twice, even with equal values (RFC 8259, 4: what a receiver makes of it is unpredictable); none has
 * `__proto__`, which code further on could take for a prototype; nesting ends at 512.
 *
 * `lossless-json` lets a repeated key with an equal value pass, hence the scan of our own; numbers are those of
 * `JSON.parse`.
 *
 * @throws HttpError 400 `invalid_json`, which shows nothing of the text
 */
export function parseStrictJson(body: Buffer): unknown {
  const text = decodeUtf8(body);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw invalid('it is not JSON');
  }
  scanKeys(text);
  return value;
}

function invalid(why: string): HttpError {
  return HttpError.bad('invalid_json', `The body can't be used: ${why}.`);
}

function decodeUtf8(body: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body);
  } catch {
    throw invalid('it is not UTF-8');
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
        if (open.length > MAX_DEPTH) throw invalid(`it is nested more than ${MAX_DEPTH} deep`);
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

/** The index of the quote that closes the string which opens at `from`. */
function endOfString(text: string, from: number): number {
  let at = from + 1;
  for (; text.charCodeAt(at) !== 0x22; at += 1) if (text.charCodeAt(at) === 0x5c) at += 1;
  return at;
}

function addKey(keys: Set<string>, quoted: string): void {
  // escapes count as what they stand for: "a" and "\u0061" are one key
  const key = JSON.parse(quoted) as string;
  if (key === '__proto__') throw invalid('a key is named __proto__');
  if (keys.has(key)) throw invalid('an object has a key twice');
  keys.add(key);
}
