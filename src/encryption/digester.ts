import { createHmac } from 'node:crypto';
import { type InputIdentity, identifyInput } from '../digest';
import type { EncryptionKeys } from './keys';

/** Tells inputs apart. */
export interface Digester {
  /**
   * The digest of a job's input, and its JSON text.
   *
   * @throws InvalidInputError as `inputDigest`
   */
  identify(jobId: string, task: string, input: unknown): InputIdentity;
  /** A digest as this digester writes it: one that was made before there was a key counts as the same. */
  keyed(digest: string): string;
}

/** SHA-256, for whom has no keys. */
export const PLAIN_DIGESTS: Digester = { identify: identifyInput, keyed: (digest) => digest };

const PLAIN = /^[0-9a-f]{64}$/;

/**
 * Keyed digests: a plain hash of a short prompt can be guessed by trying. HMAC-SHA-256 over the plain digest, so
 * that the digest of a row from before can be keyed without its input; its form says that it is keyed.
 */
export function digesterOf(keys: EncryptionKeys | null | undefined): Digester {
  if (!keys) return PLAIN_DIGESTS;
  const keyed = (digest: string) =>
    PLAIN.test(digest)
      ? `hmac-sha256-${createHmac('sha256', keys.digestKey).update(digest).digest('hex')}`
      : digest;
  const identify: Digester['identify'] = (jobId, task, input) => {
    const { input_digest, input_json } = identifyInput(jobId, task, input);
    return { input_digest: keyed(input_digest), input_json };
  };
  return { keyed, identify };
}
