import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { TemporalOptions } from '../client/connect';
import type { Config } from '../config';
import { type DevFile, devStoreUrl, readDevFile } from '../dev/stack/dev-file';

/** The default of `--data-dir`. */
export const DATA_DIR = '.infer-once';

/** Where a client command finds the parts. */
export interface Places {
  temporal: TemporalOptions;
  /** Null: there is none that this command could read, Temporal alone answers. */
  storeUrl: string | null;
  /** The `infer-once dev` that this command talks to. */
  dev: DevFile | null;
}

/**
 * Finds Temporal and the store: what the environment says; else the `infer-once dev` that runs in the
 * data directory; else that directory's store.
 *
 * The store of a data directory is left alone where TEMPORAL_ADDRESS names another server than the one
 * beside it: that server's workers have another store, and would refuse jobs of this one.
 */
export async function findPlaces(config: Config, dataDir: string | undefined): Promise<Places> {
  const folder = dataDir ?? DATA_DIR;
  const address = process.env.TEMPORAL_ADDRESS?.trim();
  const running = readDevFile(folder);
  const dev = running && (!address || address === running.temporal_address) ? running : null;
  const isOwn = !address || dataDir !== undefined;
  const hasFile = isOwn && existsSync(join(folder, 'store.db'));
  const storeUrl = config.storeUrl ?? dev?.store_url ?? (hasFile ? devStoreUrl(folder) : null);
  // another process can't see a store in memory
  return {
    temporal: await findTemporal(address ? null : dev),
    storeUrl: storeUrl === 'memory:' ? null : storeUrl,
    dev,
  };
}

async function findTemporal(dev: DevFile | null): Promise<TemporalOptions> {
  if (dev) {
    const address = dev.temporal_address;
    return { connection: { address }, address, namespace: dev.namespace };
  }
  const { loadTemporalOptions } = await import('../client/connect.js');
  return loadTemporalOptions();
}
