import { randomBytes } from 'node:crypto';
import { type EncryptionKeys, encryptionKeysOf } from '../../src/encryption/keys';

/** Random keys, the first of these ids being the current one. */
export function testKeys(...ids: [string, ...string[]]): EncryptionKeys {
  const keys = Object.fromEntries(ids.map((id) => [id, randomBytes(32)]));
  return encryptionKeysOf({ current: ids[0], keys, digestKey: randomBytes(32) }, 'the test');
}
