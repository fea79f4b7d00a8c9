import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import { isTenant } from '../../job';

const Limits = z.strictObject({
  /** Requests a second, on average; absent = any number. */
  rps: z.number().positive().optional(),
  /** How many may come at once; default: those of one second, and one at least. */
  burst: z.int().positive().optional(),
  /** How many requests of the key's tenant may wait at once, those of its other keys counted too. */
  max_waiting: z.int().positive().optional(),
});

/** A key as the keys file holds it: everything but the key itself. */
export const KeyEntry = z.strictObject({
  id: z.string().regex(/^[0-9a-f]{12}$/),
  tenant: z.string().refine(isTenant, 'is no tenant: 1 to 63 of a-z, 0-9 and -'),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  created_at: z.iso.datetime(),
  limits: Limits.optional(),
});

export type KeyEntry = z.infer<typeof KeyEntry>;
export type KeyLimits = z.infer<typeof Limits>;

const KEY = /^io_([0-9a-f]{12})_[A-Za-z0-9_-]{43}$/;

/** A new key of 256 random bits, to be shown once, and the entry by which it is known again. */
export function makeKey(
  tenant: string,
  now: Date,
  limits: KeyLimits | undefined,
): { key: string; entry: KeyEntry } {
  const id = randomBytes(6).toString('hex');
  const key = `io_${id}_${randomBytes(32).toString('base64url')}`;
  return { key, entry: { id, tenant, sha256: hashOf(key), created_at: now.toISOString(), limits } };
}

/**
 * The entry of a key that a caller presents, or null. The id in the key finds the entry; the hashes are
 * compared in constant time, also where there is no entry, so that time tells nothing of either.
 */
export function findKey(entries: ReadonlyMap<string, KeyEntry>, presented: string): KeyEntry | null {
  const id = KEY.exec(presented)?.[1];
  const entry = id === undefined ? undefined : entries.get(id);
  const expected = Buffer.from(entry?.sha256 ?? '0'.repeat(64), 'hex');
  const isSame = timingSafeEqual(expected, Buffer.from(hashOf(presented), 'hex'));
  return entry && isSame ? entry : null;
}

/**
 * One round of SHA-256 is right here: slow hashes (bcrypt, Argon2) make up for what people choose as
 * passwords, and nobody searches through 256 random bits. They would cost each request a tenth of a second.
 */
function hashOf(key: string): string {
  return createHash('sha256').update(key).digest('hex');
}
