import { ConfigError } from '../errors';
import { openMemoryStore } from './memory';
import { openPostgresStore } from './postgres';
import { openSqliteStore } from './sqlite';
import type { ResultStore } from './store';

/**
 * Opens the store that a URL names: `postgres://…` (any number of machines), `sqlite:PATH` (a local disk,
 * one machine) or `memory:` (one process, gone with it).
 *
 * @example
 * const store = await openStore('sqlite:.infer-once/store.db');
 * @throws ConfigError for a URL that no backend serves
 */
export async function openStore(url: string): Promise<ResultStore> {
  const scheme = url.slice(0, url.indexOf(':') + 1);
  if (scheme === 'memory:') return openMemoryStore();
  if (scheme === 'sqlite:') return openSqliteStore(url.slice(scheme.length));
  if (scheme === 'postgres:' || scheme === 'postgresql:') return openPostgresStore(url);
  throw new ConfigError(
    `The store URL ${JSON.stringify(redact(url))} names no known store; use sqlite:PATH, postgres://HOST/DATABASE or memory:.`,
  );
}

/** A URL without its password, for messages. */
function redact(url: string): string {
  return url.replace(/\/\/[^@/]*@/, '//***@');
}
