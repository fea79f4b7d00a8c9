import type { Redis } from 'ioredis';

const WANTED: readonly [setting: string, wanted: string, else_: string][] = [
  ['appendonly', 'yes', 'what is acknowledged is in memory alone and gone when the server ends'],
  ['appendfsync', 'always', 'up to a second of acknowledged writes is lost when the machine dies'],
  [
    'no-appendfsync-on-rewrite',
    'no',
    'half a minute of acknowledged writes may be lost when the machine dies while the server saves',
  ],
  [
    'maxmemory-policy',
    'noeviction',
    'records may be dropped when memory is full, and their jobs then run again',
  ],
];

/**
 * Looks at the settings that a store rests on (Redis documentation, "Redis persistence" and "Key eviction").
 *
 * @returns a sentence for each that is not as it has to be, or for not being allowed to look
 */
export async function findWeakPoints(redis: Redis): Promise<string[]> {
  const found: string[] = [];
  for (const [setting, wanted, otherwise] of WANTED) {
    let value: string | undefined;
    try {
      [, value] = (await redis.config('GET', setting)) as string[];
    } catch {
      const settings = WANTED.map(([name, be]) => `${name} ${be}`).join(', ');
      return [`Redis does not let this user look at its settings (CONFIG GET); see that it has ${settings}.`];
    }
    // both say nothing where nothing is appended
    if (setting.includes('appendfsync') && found.length > 0) continue;
    if (value !== wanted) {
      found.push(
        `Redis has ${setting} ${value}: ${otherwise}; set ${setting} ${wanted} (CONFIG SET, and its file).`,
      );
    }
  }
  return found;
}
