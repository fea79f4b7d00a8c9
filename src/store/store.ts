import type { EncryptionKeys } from '../encryption/keys';
import type { Billed, DecisionRecord, JobErrorCode, JobStatus, ResultSource, Usage } from '../job';

/**
 * A JSON text of the job's: held in the row up to 64 KiB, else as a blob beside it, so that a claim or a
 * renewal never rewrites megabytes.
 */
export type Payload = { json: string } | { blob: string; bytes: number };

/** What is known of one call that may have been executed: `open` until that is certain. */
export type CallFate = 'open' | 'executed';

/** One claim of the right to call, and what became of it. Times are store milliseconds. */
export interface StoredCall {
  call_id: string;
  generation: number;
  /** The fencing token that the claim was given. */
  token: number;
  claimed_at: number;
  fate: CallFate;
  /** The provider's id of a call that it runs by itself (recovery `background`), or of an answer that it keeps. */
  operation?: string;
  /** A valid answer that arrived too late to be the result; adoptable. */
  late?: LateAnswer;
  /** Raw text of an answer that was paid for and could not be used. */
  raw?: Payload;
  usage?: Usage | null;
}

/** An answer kept beside the record. */
export interface LateAnswer {
  result: Payload;
  usage: Usage | null;
  cost_usd: number | null;
  model: string | null;
  request_id: string | null;
  at: number;
}

/** A doubt as stored; times are store milliseconds. */
export interface StoredDoubt {
  token: number;
  since: number;
  reason: string;
  recovering: boolean;
}

/** Why the last call was not executed; times are store milliseconds. */
export interface StoredRefusal {
  reason: string;
  message: string;
  since: number;
  retry_at: number;
}

/**
 * The row of one job. Plain JSON; every backend keeps it whole. The rules in `src/once` are the only code
 * that makes or changes one.
 */
export interface StoredJob {
  key: string;
  task: string;
  task_version: string | null;
  input_digest: string;
  input: Payload | null;
  status: JobStatus;
  /** Fencing token: grows at every change of status. */
  token: number;
  /** Grows when a settled job is opened again. */
  generation: number;
  /** Set while calls are not executed, one after the other; the job's deadline counts from `since`. */
  refusal: StoredRefusal | null;
  result: Payload | null;
  error: { code: JobErrorCode; message: string } | null;
  /** What the provider answered in refusing, where the job FAILED by that and somebody may want its words. */
  rejection?: { status: number; body: unknown };
  billed: Billed;
  /** How often the right to call was claimed, over all generations. */
  attempts: number;
  /** Calls that may have been executed; one known not to have been is taken off the list. */
  calls: StoredCall[];
  lease_until: number | null;
  doubt: StoredDoubt | null;
  decisions: (Omit<DecisionRecord, 'at'> & { at: number })[];
  source: ResultSource | null;
  usage: Usage | null;
  cost_usd: number | null;
  model: string | null;
  request_id: string | null;
  created_at: number;
  sent_at: number | null;
  updated_at: number;
  completed_at: number | null;
  /**
   * In a backend only, with encryption on: the whole job, sealed; the other fields then say no more than `list`,
   * `stats` and `remove` need. No rule ever sees it.
   */
  sealed?: string;
}

/** What a decision does to a row: nothing but `returns`, or a new row with the blobs that it names. */
export interface Change<T> {
  returns: T;
  /** The row to write; absent = nothing is written. */
  job?: StoredJob;
  /** Blobs to write, by name; durable no later than the row. */
  blobs?: Record<string, string>;
  /** Erase every blob of the job but the ones in `blobs` (forget). */
  dropBlobs?: boolean;
}

/**
 * Decides over a row. Pure and synchronous; a store may call it again on a fresh row where another
 * writer came between.
 *
 * @param job - the row, or null where there is none; not to be mutated
 * @param now - the store's clock, in ms since the epoch
 */
export type Decide<T> = (job: StoredJob | null, now: number) => Change<T>;

/** A row as somebody saw it. */
export type SeenRow = Pick<StoredJob, 'key' | 'token' | 'updated_at'>;

/** Which rows `list` gives, newest change first. */
export interface ListFilter {
  status?: JobStatus;
  task?: string;
  /** Only rows of this tenant; null = rows without a tenant; absent = all. */
  tenant?: string | null;
  /** At most so many; default 100, at most 1000. */
  limit?: number;
  /** Opaque, from the page before. */
  cursor?: string;
}

export interface ListPage {
  jobs: StoredJob[];
  /**
   * Rows of this page that can't be trusted, with the message of the `StoreCorruptError` that a read of
   * them gives; absent where there are none. They don't hide the others and are not among `jobs`.
   */
  corrupt?: { key: string; message: string }[];
  /** Ask for the next page with it; absent on the last. */
  cursor?: string;
}

/**
 * Where the records live. A backend has one duty: run a pure decision over one row atomically and
 * durably, by a clock of its own. It knows nothing of the protocol.
 *
 * Every method rejects with `UnreachableError('store', …)` where the store is away (safe to try again)
 * and with `StoreCorruptError` where a row can't be trusted.
 */
export interface ResultStore {
  /** Made with the store and kept in it: two stores behind one task queue are told apart by it. */
  readonly id: string;

  /** The keys by which rows and blobs are sealed; null = they are not, as in every backend by itself. */
  readonly encryption: EncryptionKeys | null;

  /** The row and the store's clock. */
  read(key: string): Promise<{ job: StoredJob | null; now: number }>;

  /**
   * Reads, decides and writes as one atomic step: no other writer of this key comes between. When it
   * resolves, the change is durable.
   */
  update<T>(key: string, decide: Decide<T>): Promise<T>;

  /**
   * Calls `listener` soon after the row is settled, by whichever process. A hint to look, and no more: it may come twice,
   * late or never. Absent where a backend can't tell.
   *
   * @param listener - must not throw
   * @returns takes the listener off; null where it can't tell for now
   */
  onSettled?(key: string, listener: () => void): (() => void) | null;

  /** A blob's text, or null where there is none. */
  readBlob(key: string, name: string): Promise<string | null>;

  list(filter: ListFilter): Promise<ListPage>;

  /**
   * Erases rows, each with its blobs, where they are still as they were seen: a row that anybody has written since
   * stays whole. Afterwards the key is as if it had never been used.
   *
   * @returns how many were erased
   */
  remove(rows: readonly SeenRow[]): Promise<number>;

  /**
   * Sums over settled and unsettled rows, for `stats`.
   *
   * @param filter.tenant - only rows of this tenant; null = rows without a tenant; absent = all
   */
  stats(filter?: Pick<ListFilter, 'tenant'>): Promise<StatsRow[]>;

  /**
   * Looks at how the server is set: a sentence for each setting by which what was acknowledged may be lost. Absent
   * where a store sees to that by itself.
   */
  warnings?(): Promise<string[]>;

  close(): Promise<void>;
}

/** One line of `stats`: jobs by task, day (of creation, UTC) and status. */
export interface StatsRow {
  task: string;
  day: string;
  status: JobStatus;
  jobs: number;
  attempts: number;
  input_tokens: number;
  output_tokens: number;
  /** Sum of known costs; null where none is known. */
  cost_usd: number | null;
  /** Jobs that were attempted and have no known cost: the sum is without them, and says so. */
  unpriced: number;
}
