import type { EncryptionKeys } from '../encryption/keys';
import { open, seal } from '../encryption/seal';
import { EncryptionKeyMissingError, StoreCorruptError } from '../errors';

/** What a sealed text belongs to: it opens nowhere else, so that nobody who can write the store swaps two. */
export interface Place {
  /** The job's key. */
  key: string;
  /** A blob's name; null = the row. */
  blob: string | null;
}

/** No JSON text begins with it. */
const MARK = 'sealed.';

/** True for what {@link sealText} made. Rows and blobs are JSON texts, and none of these looks so. */
export function isSealed(text: string): boolean {
  return text.startsWith(MARK);
}

/** True for a text that is sealed with this key. */
export function isSealedWith(text: string | undefined, keyId: string): boolean {
  return text?.startsWith(`${MARK}${keyId}.`) ?? false;
}

/** `sealed.<key id>.<nonce, ciphertext and tag as base64>` */
export function sealText(keys: EncryptionKeys, place: Place, text: string): string {
  const { id, key } = keys.current;
  return `${MARK}${id}.${seal(key, Buffer.from(text), boundTo(place, id)).toString('base64')}`;
}

/**
 * What {@link sealText} was given.
 *
 * @param keys - null = this process has none
 * @throws EncryptionKeyMissingError, StoreCorruptError
 */
export function openText(keys: EncryptionKeys | null, place: Place, sealed: string): string {
  const end = sealed.indexOf('.', MARK.length);
  const id = sealed.slice(MARK.length, end);
  const key = keys?.find(id);
  const what = place.blob === null ? 'its seal' : `the seal of its blob ${place.blob}`;
  if (!key) {
    const name = place.blob === null ? 'The row' : `Blob ${place.blob}`;
    throw new EncryptionKeyMissingError(`${name} of job ${place.key}`, id, keys?.source ?? null);
  }
  const text = open(key, Buffer.from(sealed.slice(end + 1), 'base64'), boundTo(place, id));
  if (!text) throw new StoreCorruptError(place.key, `${what} is broken`);
  return text.toString();
}

function boundTo({ key, blob }: Place, keyId: string): string {
  return JSON.stringify(['infer-once', 1, keyId, key, blob]);
}
