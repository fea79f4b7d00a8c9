import type { DataConverter } from '@temporalio/common';
import type { EncryptionKeys } from './keys';
import { EncryptionCodec } from './payload-codec';

/**
 * The data converter of a Temporal client or worker whose payloads, and failures' messages, are sealed. Search
 * attributes, ids, and the names of workflows and activities stay readable.
 *
 * @returns undefined where there are no keys: Temporal's own
 *
 * @example
 * const client = new Client({ connection, dataConverter: encryptedDataConverter(loadEncryptionKeys('keys.json')) });
 */
export function encryptedDataConverter(keys: EncryptionKeys): DataConverter;
export function encryptedDataConverter(keys: EncryptionKeys | null | undefined): DataConverter | undefined;
export function encryptedDataConverter(keys: EncryptionKeys | null | undefined): DataConverter | undefined {
  if (!keys) return undefined;
  return {
    payloadCodecs: [new EncryptionCodec(keys)],
    failureConverterPath: require.resolve('./failure-converter'),
  };
}
