import type { Client } from '@temporalio/client';
import type { EncryptionKeys } from '../encryption/keys';
import { EncryptionCodec } from '../encryption/payload-codec';
import { ConfigError } from '../errors';
import type { JobClientOptions } from './types';

/**
 * The keys that a client's digests are made with: its own, its store's, or those of its Temporal client.
 *
 * @throws ConfigError where there are some, and the Temporal client would write inputs into history in the clear
 */
export function keysOf({ client, store, encryption }: JobClientOptions): EncryptionKeys | null {
  const codecs = payloadCodecsOf(client);
  const keys = encryption ?? store?.encryption ?? null;
  if (!keys) return codecs.find((codec) => codec instanceof EncryptionCodec)?.keys ?? null;
  // a codec of somebody else's will do as well
  if (codecs.length > 0) return keys;
  throw new ConfigError(
    'The jobs are to be encrypted, and the Temporal client would write their inputs into history in the clear; make it with new Client({ dataConverter: encryptedDataConverter(keys) }).',
  );
}

function payloadCodecsOf(client: Client) {
  return (client.options as Partial<Client['options']> | undefined)?.loadedDataConverter?.payloadCodecs ?? [];
}
