import {
  Client,
  Connection,
  type ConnectionOptions,
  type WorkflowClientInterceptor,
} from '@temporalio/client';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import { encryptedDataConverter } from '../encryption/data-converter';
import type { EncryptionKeys } from '../encryption/keys';
import { ConfigError, UnreachableError } from '../errors';

/** How to reach Temporal, by its own environment configuration (`TEMPORAL_*`, or a TOML profile). */
export interface TemporalOptions {
  connection: ConnectionOptions;
  address: string;
  namespace: string;
}

/** @throws ConfigError where that configuration can't be read */
export function loadTemporalOptions(): TemporalOptions {
  try {
    const { connectionOptions, namespace } = loadClientConnectConfig();
    const address = connectionOptions.address ?? 'localhost:7233';
    return { connection: { ...connectionOptions, address }, address, namespace: namespace ?? 'default' };
  } catch (error) {
    // its own words for a file without profiles are a TypeError's
    const why = error instanceof TypeError ? 'its file has no profile' : (error as Error).message;
    throw new ConfigError(`Temporal's configuration can't be read: ${why}; see TEMPORAL_CONFIG_FILE.`, error);
  }
}

/**
 * A connected client; close its `connection`.
 *
 * @param more.encryption - the keys that seal what it tells Temporal; null = it is not sealed
 * @param more.interceptors - of its calls about workflows
 * @throws UnreachableError that names the address
 */
export async function connectClient(
  options = loadTemporalOptions(),
  more: { encryption?: EncryptionKeys | null; interceptors?: WorkflowClientInterceptor[] } = {},
): Promise<Client> {
  const { connection, namespace, address } = options;
  const interceptors = { workflow: more.interceptors ?? [] };
  const dataConverter = encryptedDataConverter(more.encryption);
  try {
    const connected = await Connection.connect(connection);
    return new Client({ connection: connected, namespace, interceptors, dataConverter });
  } catch (error) {
    throw temporalAway(address, error);
  }
}

/** One sentence for "nobody answers there". */
export function temporalAway(address: string, cause: unknown): UnreachableError {
  return new UnreachableError(
    'temporal',
    `Temporal does not answer at ${address}; start it (infer-once dev does), or set TEMPORAL_ADDRESS.`,
    cause,
  );
}
