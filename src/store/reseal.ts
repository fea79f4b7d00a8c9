import { isDeepStrictEqual } from 'node:util';
import type { EncryptionKeys } from '../encryption/keys';
import { EncryptionKeyMissingError, StoreCorruptError } from '../errors';
import { sealedStore } from './sealed';
import { isSealedWith } from './sealed-text';
import type { Payload, ResultStore, StoredJob } from './store';

/** What one batch came to. */
export interface ResealStep {
  /** Rows that were looked at. */
  looked: number;
  /** Rows that were written anew, with their blobs. */
  resealed: number;
  /** Rows that can't be opened, and stay as they are. */
  left: number;
}

/**
 * Seals with the current key what is in the clear or sealed with another one: a settled row is never written again
 * by itself. Safe beside running jobs; begun again it goes on where it ended. Afterwards keys that seal nothing any
 * more may leave the keys file.
 *
 * @param backend - the store as it is at rest, without its seals
 */
export async function* resealRows(
  backend: ResultStore,
  keys: EncryptionKeys,
  batch = 500,
): AsyncGenerator<ResealStep> {
  const { id } = keys.current;
  let cursor: string | undefined;
  do {
    // its place in the list is kept: neither token nor time of a row moves
    const page = await backend.list({ limit: batch, cursor });
    const step = { looked: page.jobs.length, resealed: 0, left: page.corrupt?.length ?? 0 };
    for (const { key } of page.jobs) {
      const done = await resealRow(backend, keys, id, key);
      if (done === null) step.left += 1;
      else if (done) step.resealed += 1;
    }
    yield step;
    cursor = page.cursor;
  } while (cursor !== undefined);
}

/** @returns whether it was needed; null where the row can't be opened */
async function resealRow(
  backend: ResultStore,
  keys: EncryptionKeys,
  id: string,
  key: string,
): Promise<boolean | null> {
  const store = sealedStore(backend, keys);
  try {
    for (;;) {
      const { job: raw } = await backend.read(key);
      const { job } = await store.read(key);
      if (!raw || !job) return false;
      const names = blobsOf(job);
      const stale = await areStale(backend, key, names, id);
      if (!stale && isSealedWith(raw.sealed, id)) return false;
      const blobs = stale ? await readAll(store, key, names) : {};
      const isWritten = await store.update(key, (now) =>
        // what its owner writes meanwhile is sealed with the current key, but blobs from before may not be
        isDeepStrictEqual(now, job)
          ? { returns: true, job: now!, blobs, dropBlobs: stale }
          : { returns: false },
      );
      if (isWritten) return true;
    }
  } catch (error) {
    if (error instanceof EncryptionKeyMissingError || error instanceof StoreCorruptError) return null;
    throw error;
  }
}

async function areStale(backend: ResultStore, key: string, names: string[], id: string): Promise<boolean> {
  for (const name of names) {
    const text = await backend.readBlob(key, name);
    if (text !== null && !isSealedWith(text, id)) return true;
  }
  return false;
}

async function readAll(store: ResultStore, key: string, names: string[]): Promise<Record<string, string>> {
  const blobs: Record<string, string> = {};
  for (const name of names) {
    const text = await store.readBlob(key, name);
    if (text === null) throw new StoreCorruptError(key, `its blob ${name} is missing`);
    blobs[name] = text;
  }
  return blobs;
}

/** The names of a job's blobs. */
function blobsOf({ input, result, calls }: StoredJob): string[] {
  const payloads: (Payload | null | undefined)[] = [
    input,
    result,
    ...calls.flatMap((call) => [call.late?.result, call.raw]),
  ];
  const names = payloads.flatMap((payload) => (payload && 'blob' in payload ? payload.blob : []));
  return [...new Set(names)];
}
