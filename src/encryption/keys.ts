import { createSecretKey, type KeyObject } from 'node:crypto';

/** AES-256 and HMAC-SHA-256 alike. */
export const KEY_BYTES = 32;

/** What a keys file holds. */
export interface KeySet {
  /** The id of the key that seals. */
  current: string;
  /** The keys that open, the current one among them. */
  keys: ReadonlyMap<string, KeyObject>;
  /** Keys the digests of inputs; the same for as long as the store lives. */
  digestKey: KeyObject;
  /** Nothing in the store is in the clear (any more): a row that is, is a stranger's. */
  allSealed: boolean;
}

/** A key with its id. */
export interface NamedKey {
  id: string;
  key: KeyObject;
}

/** How often a process looks whether another key is the current one by now. */
const LOOK_EVERY_MS = 2_000;

/**
 * The keys by which a process seals and opens. They follow their file: a key that is added there opens at once,
 * and another that is made current seals within two seconds. A file that breaks or goes, or that has another
 * digest key, leaves the keys before in force.
 */
export class EncryptionKeys {
  private lookedAt = performance.now();

  /**
   * @param source - what messages call the place of the keys, e.g. their file
   * @param renew - the keys as they are there now, or null where nothing has changed since it was last asked
   */
  constructor(
    private set: KeySet,
    readonly source: string,
    private readonly renew: () => KeySet | null = () => null,
  ) {}

  /** The key that seals. */
  get current(): NamedKey {
    this.lookAgain();
    const id = this.set.current;
    return { id, key: this.set.keys.get(id)! };
  }

  /** The key of this id, or undefined where there is none. */
  find(id: string): KeyObject | undefined {
    if (!this.set.keys.has(id)) this.look();
    return this.set.keys.get(id);
  }

  /** Keys the digests of inputs. */
  get digestKey(): KeyObject {
    return this.set.digestKey;
  }

  /** Whether a row or blob in the clear is to be refused. */
  get allSealed(): boolean {
    this.lookAgain();
    return this.set.allSealed;
  }

  private lookAgain(): void {
    if (performance.now() - this.lookedAt > LOOK_EVERY_MS) this.look();
  }

  private look(): void {
    this.lookedAt = performance.now();
    const next = this.renew();
    // another digest key would make every job's input another one
    if (next?.digestKey.equals(this.set.digestKey)) this.set = next;
  }
}

/**
 * Keys that are held by the program itself, e.g. out of a secret manager.
 *
 * @param keys - 32 bytes each, by id: 1 to 64 letters, digits, `_` and `-`
 * @param allSealed - refuse a row or blob of the store that is in the clear; default false, since rows from before
 *   there were keys are
 * @throws RangeError for a key of another length, or a current one that is not there
 *
 * @example
 * const keys = encryptionKeysOf({ current: '2026-11', keys: { '2026-11': bytes }, digestKey });
 */
export function encryptionKeysOf(
  {
    current,
    keys,
    digestKey,
    allSealed = false,
  }: { current: string; keys: Record<string, Uint8Array>; digestKey: Uint8Array; allSealed?: boolean },
  source = 'the keys of this program',
): EncryptionKeys {
  const bytes = [...Object.values(keys), digestKey];
  if (bytes.some(({ length }) => length !== KEY_BYTES)) throw new RangeError('every key has 32 bytes');
  if (!Object.hasOwn(keys, current)) throw new RangeError('the current key is not among the keys');
  const named = Object.entries(keys).map(([id, key]) => [id, createSecretKey(key)] as const);
  const set = { current, keys: new Map(named), digestKey: createSecretKey(digestKey), allSealed };
  return new EncryptionKeys(set, source);
}
