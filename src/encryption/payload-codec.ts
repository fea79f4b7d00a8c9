import type { Payload, PayloadCodec } from '@temporalio/common';
import { temporal } from '@temporalio/proto';
import { EncryptionKeyMissingError, UserError } from '../errors';
import type { EncryptionKeys } from './keys';
import { open, seal } from './seal';

const ENCODING = 'binary/encrypted';
const KEY_ID = 'encryption-key-id';

const { Payload: PayloadProto } = temporal.api.common.v1;

/**
 * Seals every payload that goes to Temporal: arguments, results, heartbeats, memos, summaries, queries. The form is
 * that of Temporal's own samples of encryption in each language (https://github.com/temporalio/samples-python,
 * `encryption/codec.py`), so that a client in another language reads and writes it with the same key. Unlike a row
 * of the store a payload is not bound to its job: a codec server is not told of which job a payload is.
 */
export class EncryptionCodec implements PayloadCodec {
  constructor(readonly keys: EncryptionKeys) {}

  async encode(payloads: Payload[]): Promise<Payload[]> {
    return payloads.map((payload) => {
      const { id, key } = this.keys.current;
      return {
        metadata: { encoding: Buffer.from(ENCODING), [KEY_ID]: Buffer.from(id) },
        data: seal(key, PayloadProto.encode(payload).finish()),
      };
    });
  }

  /**
   * Opens what was sealed; what was not, e.g. from before encryption was on, stays as it is.
   *
   * @throws EncryptionKeyMissingError; UserError `payload_corrupt` where the seal is broken
   */
  async decode(payloads: Payload[]): Promise<Payload[]> {
    return payloads.map((payload) => {
      if (textOf(payload.metadata?.encoding) !== ENCODING) return payload;
      const id = textOf(payload.metadata?.[KEY_ID]);
      const key = this.keys.find(id);
      if (!key) throw new EncryptionKeyMissingError("A payload in Temporal's history", id, this.keys.source);
      const plain = open(key, payload.data ?? new Uint8Array());
      if (plain) return PayloadProto.decode(plain);
      throw new UserError(`A payload that is sealed with key ${id} can't be opened: its seal is broken.`, {
        code: 'payload_corrupt',
      });
    });
  }
}

function textOf(bytes: Uint8Array | null | undefined): string {
  return Buffer.from(bytes ?? []).toString();
}
