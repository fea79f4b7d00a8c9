import { digesterOf } from '../encryption/digester';
import type { EncryptionKeys } from '../encryption/keys';
import { EncryptionKeyMissingError, StoreCorruptError } from '../errors';
import { isSealed, openText, sealText } from './sealed-text';
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

/**
 * A store whose rows and blobs are sealed at rest. What was written before there were keys stays readable, and is
 * sealed with its next write; keys that say that all is sealed by now make it damage. Put before every backend, also without keys: a sealed row is then a sentence that
 * names the key, never "no such job", and never overwritten.
 *
 * @param keys - null = nothing is sealed
 *
 * @example
 * const store = sealedStore(await openSqliteStore('store.db'), loadEncryptionKeys('keys.json'));
 */
export function sealedStore(inner: ResultStore, keys: EncryptionKeys | null): ResultStore {
  return new SealedStore(inner, keys);
}

class SealedStore implements ResultStore {
  private readonly digester;

  constructor(
    private readonly inner: ResultStore,
    readonly encryption: EncryptionKeys | null,
  ) {
    this.digester = digesterOf(encryption);
  }

  get id(): string {
    return this.inner.id;
  }

  async read(key: string): Promise<{ job: StoredJob | null; now: number }> {
    const { job, now } = await this.inner.read(key);
    return { job: job && this.open(job), now };
  }

  async update<T>(key: string, decide: Decide<T>): Promise<T> {
    return this.inner.update(key, (row, now) => this.sealChange(decide(row && this.open(row), now)));
  }

  get onSettled(): ResultStore['onSettled'] {
    return this.inner.onSettled?.bind(this.inner);
  }

  async readBlob(key: string, name: string): Promise<string | null> {
    const text = await this.inner.readBlob(key, name);
    if (text === null) return null;
    if (isSealed(text)) return openText(this.encryption, { key, blob: name }, text);
    this.allowClear(key, `its blob ${name}`);
    return text;
  }

  async list(filter: ListFilter): Promise<ListPage> {
    const page = await this.inner.list(filter);
    const jobs: StoredJob[] = [];
    const corrupt = [...(page.corrupt ?? [])];
    for (const job of page.jobs) {
      try {
        jobs.push(this.open(job));
      } catch (error) {
        // one that can't be opened does not hide the others
        if (!(error instanceof EncryptionKeyMissingError || error instanceof StoreCorruptError)) throw error;
        corrupt.push({ key: job.key, message: error.message });
      }
    }
    return { ...page, jobs, ...(corrupt.length > 0 && { corrupt }) };
  }

  async remove(rows: readonly SeenRow[]): Promise<number> {
    return this.inner.remove(rows);
  }

  async stats(filter?: Pick<ListFilter, 'tenant'>): Promise<StatsRow[]> {
    return this.inner.stats(filter);
  }

  async close(): Promise<void> {
    await this.inner.close();
  }

  private open(row: StoredJob): StoredJob {
    if (row.sealed === undefined) {
      this.allowClear(row.key, 'it');
      // from before there were keys: the same input is to have the same digest as it would today
      return this.encryption ? { ...row, input_digest: this.digester.keyed(row.input_digest) } : row;
    }
    const job = JSON.parse(openText(this.encryption, { key: row.key, blob: null }, row.sealed)) as StoredJob;
    if (job.status !== row.status || job.token !== row.token) {
      throw new StoreCorruptError(row.key, 'what is sealed in it is of another state');
    }
    return job;
  }

  /** Anybody who can write the store can write in the clear. */
  private allowClear(key: string, what: string): void {
    if (!this.encryption?.allSealed) return;
    throw new StoreCorruptError(
      key,
      `${what} is in the clear, and ${this.encryption.source} says all_sealed`,
    );
  }

  private sealChange<T>(change: Change<T>): Change<T> {
    const { encryption: keys } = this;
    const { job, blobs } = change;
    if (!keys || !job) return change;
    const sealed = Object.entries(blobs ?? {}).map(
      ([name, text]) => [name, sealText(keys, { key: job.key, blob: name }, text)] as const,
    );
    return { ...change, job: shellOf(job, keys), blobs: Object.fromEntries(sealed) };
  }
}

/** What is left to see of a job: what `list` and `stats` ask for, and by what `remove` is conditional. */
function shellOf(job: StoredJob, keys: EncryptionKeys): StoredJob {
  return {
    key: job.key,
    task: job.task,
    task_version: null,
    input_digest: '',
    input: null,
    status: job.status,
    token: job.token,
    generation: job.generation,
    refusal: null,
    result: null,
    error: null,
    billed: job.billed,
    attempts: job.attempts,
    calls: [],
    lease_until: job.lease_until,
    doubt: null,
    decisions: [],
    source: null,
    usage: job.usage,
    cost_usd: job.cost_usd,
    model: null,
    request_id: null,
    created_at: job.created_at,
    sent_at: null,
    updated_at: job.updated_at,
    completed_at: null,
    sealed: sealText(keys, { key: job.key, blob: null }, JSON.stringify(job)),
  };
}
