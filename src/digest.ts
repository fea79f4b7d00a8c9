import { hash } from 'node:crypto';
import canonicalize from 'canonicalize';
import { InvalidInputError } from './errors';

/** Deeper than any real input, and far from where recursive code breaks. */
const MAX_DEPTH = 500;

/**
 * How many values an input has at most, keys and array elements counted. Canonical JSON sorts and copies each of
 * them: a million in a few megabytes would hold up a process, and whoever else it serves, for seconds.
 */
export const MAX_INPUT_VALUES = 200_000;

/** What tells a job's input from others, and its text as it is kept. */
export interface InputIdentity {
  input_digest: string;
  /** The input's JSON text. */
  input_json: string;
}

/**
 * SHA-256 over the canonical JSON (RFC 8785) of task name and input as submitted, after one JSON round
 * trip and before schema defaults; so `{a: 1, b: 2}` and `{b: 2, a: 1}` are one input.
 *
 * @returns 64 hex digits
 * @throws InvalidInputError for what would collide: integers beyond 2^53, lone surrogates, not JSON; for more
 *   than {@link MAX_INPUT_VALUES} values
 */
export function inputDigest(jobId: string, task: string, input: unknown): string {
  return identifyInput(jobId, task, input).input_digest;
}

/**
 * The digest of {@link inputDigest} with the JSON text that was made on the way to it.
 *
 * @throws InvalidInputError as {@link inputDigest}
 */
export function identifyInput(jobId: string, task: string, input: unknown): InputIdentity {
  const input_json = toJson(jobId, input);
  const value: unknown = JSON.parse(input_json);
  const fault = findFault(value, 'input', { values: 0 });
  if (fault) throw new InvalidInputError(jobId, fault);
  return { input_digest: textDigest(canonicalize({ task, input: value }) as string), input_json };
}

/** SHA-256 of a text's UTF-8, as 64 hex digits. */
export function textDigest(text: string): string {
  return hash('sha256', text);
}

function toJson(jobId: string, input: unknown): string {
  let json: string | undefined;
  try {
    json = JSON.stringify(input);
    // a replacer makes it several times slower, and a number that is none would have become a null
    if (json?.includes('null')) JSON.stringify(input, refuseNonFinite);
  } catch (e) {
    // a cycle, a BigInt, or a nesting deeper than the stack
    throw new InvalidInputError(jobId, `it is not JSON (${(e as Error).message.split('\n')[0]})`);
  }
  if (json === undefined) throw new InvalidInputError(jobId, 'it is not JSON');
  return json;
}

/** JSON would make null of it, and two inputs one. */
function refuseNonFinite(_: string, value: unknown): unknown {
  if (typeof value === 'number' && !Number.isFinite(value)) throw new Error(`${value} is no JSON number`);
  return value;
}

/**
 * Names the first value that two different inputs could share after canonical JSON, or the limit that the input
 * is over.
 */
function findFault(value: unknown, path: string, seen: { values: number }, depth = 0): string | null {
  if (depth > MAX_DEPTH) return `it is nested more than ${MAX_DEPTH} deep`;
  if (typeof value === 'string') return value.isWellFormed() ? null : `${path} has a lone surrogate`;
  if (typeof value === 'number') {
    return Number.isInteger(value) && !Number.isSafeInteger(value)
      ? `${path} is an integer beyond 2^53; send it as a string`
      : null;
  }
  if (typeof value !== 'object' || value === null) return null;
  const members = Object.entries(value);
  seen.values += members.length;
  if (seen.values > MAX_INPUT_VALUES) {
    return `it has more than ${MAX_INPUT_VALUES} values, keys and array elements counted; send less, or text`;
  }
  for (const [name, inner] of members) {
    if (!name.isWellFormed()) return `${path} has a key with a lone surrogate`;
    const fault = findFault(inner, `${path}.${name}`, seen, depth + 1);
    if (fault) return fault;
  }
  return null;
}
