import { randomBytes } from 'node:crypto';
import type { Redis } from 'ioredis';
import { StoreCorruptError, UnreachableError } from '../errors';
import { updateOptimistically } from './optimistic';
import { decodeCursor, MAX_PAGE, pageSize } from './page';
import { findWeakPoints } from './redis-durability';
import { toRedisFault } from './redis-faults';
import { decodeMember, decodeSums, encodeFields, encodeMember } from './redis-row';
import type { SCRIPTS } from './redis-scripts';
import { decodePage, decodeRow, isAsSeen, type JobRow } from './row';
import { sumStats } from './stats';
import type {
  Change,
  Decide,
  ListFilter,
  ListPage,
  ResultStore,
  SeenRow,
  StatsRow,
  StoredJob,
} from './store';
import { StoreClock } from './store-clock';

/** A connection that has the scripts. */
export type ScriptedRedis = Redis &
  Record<keyof typeof SCRIPTS, (...args: (string | number)[]) => Promise<unknown>>;

/** How many rows one script looks at: a few milliseconds in which the server does nothing else. */
const STEP = MAX_PAGE + 1;

/** What is longer goes over the other connection: a row with a short input and result, also sealed, is not. */
const LARGE = 256 * 1024;

/** A row as it was seen, by which a write of it is conditional. */
interface Seen {
  job: StoredJob | null;
  now: number;
  /** Random, so that a server that lost its last writes can't give one out twice; '' = there was no row. */
  revision: string;
}

/**
 * The store over a connection whose server has its `meta`. A decision runs here, over a row as it was seen; its
 * write is conditional on that row's revision. Where another writer came between, it is decided anew.
 */
export class RedisStore implements ResultStore {
  readonly encryption = null;

  private readonly clock = new StoreClock();
  private closing: Promise<void> | null = null;

  constructor(
    readonly id: string,
    private readonly name: string,
    private readonly prefix: string,
    private readonly redis: ScriptedRedis,
    /** The connection for what is large: what is asked on it comes one after the other. */
    private readonly texts: ScriptedRedis,
  ) {}

  private readonly optimistic = {
    look: (key: string) => this.look(key),
    write: (row: JobRow, seen: Seen, change: Change<unknown>) => this.write(row, seen, change),
  };

  async read(key: string): Promise<{ job: StoredJob | null; now: number }> {
    const { job, now } = await this.look(key);
    return { job, now };
  }

  async update<T>(key: string, decide: Decide<T>): Promise<T> {
    return updateOptimistically(this.optimistic, key, decide);
  }

  async readBlob(key: string, name: string): Promise<string | null> {
    return (await this.run('readJobBlob', [`blobs:${key}`], [name], key)) as string | null;
  }

  async list({ status, task, tenant, limit, cursor }: ListFilter): Promise<ListPage> {
    const size = pageSize(limit);
    const wanted: [string, string][] = [];
    if (status !== undefined) wanted.push(['status', status]);
    if (task !== undefined) wanted.push(['task', task]);
    if (tenant !== undefined) wanted.push(['tenant', tenant ?? '']);
    const orders = wanted.length > 0 ? wanted.map(([field, value]) => `by:${field}:${value}`) : ['by:change'];
    const rows: JobRow[] = [];
    let after = cursor === undefined ? '' : encodeMember(decodeCursor(cursor));
    do {
      const args = [this.prefix, after, size + 1 - rows.length, STEP, ...wanted.flat()];
      const [next, ...found] = (await this.run('listJobs', orders, args)) as string[];
      for (let i = 0; i < found.length; i += 3) {
        rows.push({ ...decodeMember(found[i]!), status: found[i + 1], doc: found[i + 2] } as JobRow);
      }
      after = next!;
    } while (after !== '' && rows.length <= size);
    return decodePage(rows, size);
  }

  async remove(rows: readonly SeenRow[]): Promise<number> {
    const removed = await Promise.all(rows.map((row) => this.removeRow(row)));
    return removed.filter(Boolean).length;
  }

  async stats({ tenant }: Pick<ListFilter, 'tenant'> = {}): Promise<StatsRow[]> {
    let sums: StatsRow[] = [];
    // a tenant's keys are neighbours; '0' is what follows '/'
    let [from, to] = tenant ? [`[${tenant}/`, `(${tenant}0`] : ['-', '+'];
    for (let after: string | null = null; after !== ''; from = `(${after}`) {
      const answer = (await this.run('sumJobs', ['keys'], [this.prefix, from, to, STEP])) as string[];
      after = answer[0]!;
      const parts = sums;
      for (let i = 1; i < answer.length; i += 5) {
        const [key, task, status, whose, text] = answer.slice(i, i + 5) as [
          string,
          string,
          string,
          string,
          string,
        ];
        if (tenant !== undefined && whose !== (tenant ?? '')) continue;
        const row = decodeSums(key, task, status, text);
        if (row) parts.push(row);
      }
      sums = sumStats(parts);
    }
    return sums;
  }

  async close(): Promise<void> {
    this.closing ??= this.end();
    await this.closing;
  }

  async warnings(): Promise<string[]> {
    return findWeakPoints(this.redis);
  }

  private async end(): Promise<void> {
    await Promise.all([endConnection(this.redis), endConnection(this.texts)]);
  }

  private async look(key: string): Promise<Seen> {
    const answer = await this.run('lookAtJob', [`job:${key}`, 'keys'], [key], key);
    const [kept, wall, status, doc, revision] = answer as [string, number, string?, string?, string?];
    const now = this.clock.tell(Number(kept), wall);
    if (revision === undefined) return { job: null, now, revision: '' };
    const job = decodeRow({ key, status, doc });
    // it would read as "there was no row", of which every write would say that there is one
    if (revision === '') throw new StoreCorruptError(key, 'it has no revision');
    return { job, now, revision };
  }

  private async removeRow(seen: SeenRow): Promise<boolean> {
    const { key } = seen;
    const { job, revision } = await this.look(key);
    if (!isAsSeen(job, seen)) return false;
    const gone = await this.run(
      'removeJob',
      [`job:${key}`, `blobs:${key}`],
      [this.prefix, key, revision],
      key,
    );
    return gone === 1;
  }

  private async write(
    row: JobRow,
    { revision, now }: Seen,
    { blobs = {}, dropBlobs = false }: Change<unknown>,
  ): Promise<boolean> {
    const { key } = row;
    const fields = encodeFields(row);
    const next = randomBytes(12).toString('base64url');
    const args = [this.prefix, key, revision, next, now, dropBlobs ? '1' : '', fields.length, ...fields];
    args.push(...Object.entries(blobs).flat());
    return (await this.run('writeJob', [`job:${key}`, `blobs:${key}`], args, key)) === 1;
  }

  /** Runs a script over the store's own key and these. */
  private async run(
    script: keyof typeof SCRIPTS,
    keys: string[],
    args: (string | number)[],
    job?: string,
  ): Promise<unknown> {
    if (this.closing)
      throw new UnreachableError('store', `The store in ${this.name} is closed; open it again.`);
    try {
      const names = ['meta', ...keys].map((key) => `${this.prefix}:${key}`);
      const redis = isLarge(script, args) ? this.texts : this.redis;
      return await redis[script](names.length, ...names, this.id, ...args);
    } catch (error) {
      throw toRedisFault(error, this.name, job);
    }
  }
}

/** What is long on its way, there or back. */
function isLarge(script: keyof typeof SCRIPTS, args: (string | number)[]): boolean {
  if (script === 'readJobBlob' || script === 'listJobs' || script === 'sumJobs') return true;
  return args.some((arg) => typeof arg === 'string' && arg.length > LARGE);
}

async function endConnection(redis: ScriptedRedis): Promise<void> {
  // what was asked before is answered before; to disconnect as well would hold the process up by a timer
  const isOver = redis.status === 'ready' && (await redis.quit().catch(() => null));
  if (!isOver) redis.disconnect();
}
