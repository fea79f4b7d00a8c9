import { createCipheriv, createDecipheriv, type KeyObject, randomBytes } from 'node:crypto';

/** NIST SP 800-38D, 8.2: 96 bits; random ones serve 2^32 messages a key (8.3). */
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/**
 * Seals bytes by AES-256-GCM.
 *
 * @param bound - what the sealed bytes belong to: they open with the very same text only
 * @returns nonce, ciphertext and tag in one; 28 bytes longer than `plain`
 */
export function seal(key: KeyObject, plain: Uint8Array, bound = ''): Buffer {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES });
  cipher.setAAD(Buffer.from(bound));
  return Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
}

/** What {@link seal} was given; null where key or `bound` is another one, or a bit has changed. */
export function open(key: KeyObject, sealed: Uint8Array, bound = ''): Buffer | null {
  const end = sealed.length - TAG_BYTES;
  if (end < NONCE_BYTES) return null;
  const nonce = sealed.subarray(0, NONCE_BYTES);
  const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES });
  decipher.setAAD(Buffer.from(bound));
  decipher.setAuthTag(sealed.subarray(end));
  try {
    return Buffer.concat([decipher.update(sealed.subarray(NONCE_BYTES, end)), decipher.final()]);
  } catch {
    return null;
  }
}
