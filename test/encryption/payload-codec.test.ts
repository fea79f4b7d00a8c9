import { randomBytes, webcrypto } from 'node:crypto';
import { defaultPayloadConverter } from '@temporalio/common';
import { temporal } from '@temporalio/proto';
import { encryptionKeysOf } from '../../src/encryption/keys';
import { EncryptionCodec } from '../../src/encryption/payload-codec';
import { EncryptionKeyMissingError } from '../../src/errors';
import { testKeys } from '../support/encryption-keys';

const { Payload } = temporal.api.common.v1;
const bytes = randomBytes(32);
const codec = new EncryptionCodec(
  encryptionKeysOf({ current: 'k1', keys: { k1: bytes }, digestKey: randomBytes(32) }),
);
const plain = defaultPayloadConverter.toPayload({ title: 'Alien' })!;
const key = () => webcrypto.subtle.importKey('raw', bytes, 'AES-GCM', false, ['encrypt', 'decrypt']);

test('a payload is sealed as Temporal’s samples seal it, so that other languages open it', async () => {
  const [sealed] = await codec.encode([plain]);
  const { metadata, data } = sealed!;
  expect(Buffer.from(metadata!.encoding!).toString()).toBe('binary/encrypted');
  expect(Buffer.from(metadata!['encryption-key-id']!).toString()).toBe('k1');
  // the samples' way: 12 bytes of nonce, then ciphertext and tag, no additional data
  const opened = await webcrypto.subtle.decrypt(
    { name: 'AES-GCM', iv: data!.subarray(0, 12) },
    await key(),
    data!.subarray(12),
  );
  expect(Payload.decode(new Uint8Array(opened))).toMatchObject({ data: plain.data });
});

test('a payload that another language sealed is opened', async () => {
  const iv = randomBytes(12);
  const inner = Payload.encode(plain).finish();
  const sealed = await webcrypto.subtle.encrypt({ name: 'AES-GCM', iv }, await key(), inner);
  const metadata = { encoding: Buffer.from('binary/encrypted'), 'encryption-key-id': Buffer.from('k1') };
  const data = Buffer.concat([iv, Buffer.from(sealed)]);
  const [opened] = await codec.decode([{ metadata, data }]);
  expect(defaultPayloadConverter.fromPayload(opened!)).toEqual({ title: 'Alien' });
});

test('what was not sealed stays as it is; what has another key is an error', async () => {
  expect(await codec.decode([plain])).toEqual([plain]);
  const foreign = await new EncryptionCodec(testKeys('k9')).encode([plain]);
  await expect(codec.decode(foreign)).rejects.toThrow(EncryptionKeyMissingError);
  const sameId = await new EncryptionCodec(testKeys('k1')).encode([plain]);
  await expect(codec.decode(sameId)).rejects.toThrow('its seal is broken');
});
