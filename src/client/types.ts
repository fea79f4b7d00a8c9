import type { Client } from '@temporalio/client';
import type { EncryptionKeys } from '../encryption/keys';
import type { JobRecord, SubmitAnswer } from '../job';
import type { JobLog } from '../log';
import type { ResultStore } from '../store/store';
import type { Task } from '../tasks/task';

/** A job as a caller submits it. */
export interface JobInput<I = unknown, O = unknown> {
  /** The idempotency key: `[A-Za-z0-9][A-Za-z0-9._:~@+-]{0,254}`. */
  job_id: string;
  /** A task's name, or the task itself, which types input and result. */
  task: string | Task<I, O>;
  input: I;
}

/** A record whose result is typed by its task. */
export type TypedRecord<O> = Omit<JobRecord, 'result'> & { result: O };

/** What `run` answers. */
export type RunAnswer<O> = TypedRecord<O> & {
  /** True where this call started the job. */
  created: boolean;
  /** True where a settled job answered from the record. */
  replayed: boolean;
};

/** A submission that can be waited for. */
export interface BegunJob {
  /** What `submit` answers. */
  submitted: SubmitAnswer;
  /**
   * Waits for the answer and takes every end for one: FAILED, CANCELED, FORGOTTEN, and IN_DOUBT where recovery
   * has stopped asking.
   *
   * @throws InputMismatchError, JobTimeoutError
   */
  answer(wait?: WaitOptions): Promise<SubmitAnswer>;
}

/** How a submission met its job. */
export interface Submission {
  job_id: string;
  task: string;
  /** `created` started it; `joined` met it under way, `replayed` settled; the last two were refused. */
  outcome: 'created' | 'joined' | 'replayed' | 'mismatch' | 'forgotten';
  /** The price on record of the answer; null where it is not known. */
  cost_usd: number | null;
}

export interface JobClientOptions {
  /** A client of `@temporalio/client`; in the time-skipping environment, that environment's own. */
  client: Client;
  /** The store that the workers use. With it a settled duplicate is answered without asking Temporal. */
  store?: ResultStore;
  /**
   * The keys of the workers, where they encrypt and this client has no store: digests are made with them. Default:
   * the store's, or those of `encryptedDataConverter` in `client`.
   */
  encryption?: EncryptionKeys | null;
  /** Default `inference`. */
  taskQueue?: string;
  /** Jobs of this tenant only; default none. */
  tenant?: string | null;
  /** Told of each submission: `submitted`, `joined`, `replayed`, `mismatch`, `forgotten`; ids only. Default: nobody. */
  log?: JobLog;
  /** Told of the same, for counting; must not throw. Default: nobody. */
  onSubmission?(told: Submission): void;
  /** Deletes what the provider stored of a job, for `forget`; without it that stays there. */
  provider?: ProviderCopies;
}

/** Deletes what the provider stored of a job's calls. */
export interface ProviderCopies {
  /** `operations`: the ids that the provider gave to calls which it ran by itself. */
  forget(copies: { key: string; task: string; callIds: string[]; operations: string[] }): Promise<void>;
}

export interface WaitOptions {
  /** Give up waiting after so many ms (`JobTimeoutError`); the job goes on. Default: never. */
  timeoutMs?: number;
  /** Give up waiting when it aborts; the job goes on. */
  signal?: AbortSignal;
}

/** How `submitMany` answers for one job: its record, or the error of its own. */
export type ManyAnswer<T> =
  | { job_id: string; index: number; answer: T; error?: undefined }
  | { job_id: string; index: number; answer?: undefined; error: Error };

/** One page of `list`. */
export interface RecordPage {
  records: JobRecord[];
  /** Ask for the next page with it; absent on the last. */
  cursor?: string;
  /** Rows that can't be trusted, named beside the others; absent where there are none. */
  corrupt?: { key: string; message: string }[];
}
