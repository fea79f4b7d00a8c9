import { createHash } from 'node:crypto';
import canonicalize from 'canonicalize';
import { InvalidInputError } from './errors';

/** Deeper than any real input, and far from where recursive code breaks. */
const MAX_DEPTH = 500;

/**
 * SHA-256 over the canonical JSON (RFC 8785) of task name and input as submitted, after one JSON round
 * trip and before schema defaults; so `{a: 1, b: 2}` and `{b: 2, a: 1}` are one input.
 *
 * @returns 64 hex digits
 * @throws InvalidInputError for what would collide: integers beyond 2^53, lone surrogates, not JSON
 */
export function inputDigest(jobId: string, task: string, input: unknown): string {
  const value = toJson(jobId, input);
  const fault = findCollidingValue(value, 'input');
  if (fault) throw new InvalidInputError(jobId, fault);
  return textDigest(canonicalize({ task, input: value }) as string);
}

/** SHA-256 of a text's UTF-8, as 64 hex digits. */
export function textDigest(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function toJson(jobId: string, input: unknown): unknown {
  let json: string | undefined;
  try {
    json = JSON.stringify(input, refuseNonFinite);
  } catch (e) {
    // a cycle, a BigInt, or a nesting deeper than the stack
    throw new InvalidInputError(jobId, `it is not JSON (${(e as Error).message.split('\n')[0]})`);
  }
  if (json === undefined) throw new InvalidInputError(jobId, 'it is not JSON');
  return JSON.parse(json);
}

/** JSON would make null of it, and two inputs one. */
function refuseNonFinite(_: string, value: unknown): unknown {
  if (typeof value === 'number' && !Number.isFinite(value)) throw new Error(`${value} is no JSON number`);
  return value;
}

/** Names the first value that two different inputs could share after canonical JSON. */
function findCollidingValue(value: unknown, path: string, depth = 0): string | null {
  if (depth > MAX_DEPTH) return `it is nested more than ${MAX_DEPTH} deep`;
  if (typeof value === 'string') return value.isWellFormed() ? null : `${path} has a lone surrogate`;
  if (typeof value === 'number') {
    return Number.isInteger(value) && !Number.isSafeInteger(value)
      ? `${path} is an integer beyond 2^53; send it as a string`
      : null;
  }
  if (typeof value !== 'object' || value === null) return null;
  for (const [name, inner] of Object.entries(value)) {
    if (!name.isWellFormed()) return `${path} has a key with a lone surrogate`;
    const fault = findCollidingValue(inner, `${path}.${name}`, depth + 1);
    if (fault) return fault;
  }
  return null;
}
