import { digesterOf } from '../encryption/digester';
import { ConfigError, JobForgottenError, JobTimeoutError, WrongStateError } from '../errors';
import { isSettled, type JobRecord, jobKey, parseJobKey, type SubmitAnswer, TASK_QUEUE } from '../job';
import type { ProviderError } from '../once/outcome';
import { toRecord } from '../once/record';
import type { JobSeed } from '../once/rules/row';
import type { ListFilter, StatsRow } from '../store/store';
import type { ResolveRequest } from '../workflows/contract';
import { compareDigest, succeed } from './answer';
import { cancelJob } from './cancel';
import { keysOf } from './encryption';
import { forgetJob } from './forget';
import { deleteHistory } from './history';
import { type Leave, leaveOn, leaveSignal } from './leave';
import { listRuns } from './list';
import { forMany } from './many';
import { runRecords, storeRecords } from './records';
import { type RepairedJob, repairJobs } from './repair';
import { resolveJob } from './resolve';
import { findRun } from './runs';
import { restartRun, type Scope } from './scope';
import { SharedSubmits } from './shared-submits';
import { SharedWaits } from './shared-waits';
import { SharedWatches } from './shared-watches';
import { makeSeed } from './submit';
import type {
  BegunJob,
  JobClientOptions,
  JobInput,
  ManyAnswer,
  RecordPage,
  RunAnswer,
  WaitOptions,
} from './types';
import type { Wanted } from './wait';
import { whyWaiting } from './why-waiting';

const CANCEL_WAIT_MS = 10_000;
/** A run closes within moments of its record's settling, where it has a worker. */
const CLOSE_WAIT_MS = 10_000;

/**
 * Submits jobs and reads their records. Works with a Temporal client alone; with the workers' store it
 * answers a settled duplicate without asking Temporal.
 *
 * @example
 * const jobs = new JobClient({ client: new Client({ connection }), store: await openStore('sqlite:jobs.db') });
 * const { result } = await jobs.run({ job_id: 'film-1', task: 'enrich', input: { title: 'alien (1979)' } });
 */
export class JobClient {
  private readonly scope: Scope;
  private readonly submits: SharedSubmits;
  private readonly waits: SharedWaits;
  private readonly watches: SharedWatches;

  /** @throws ConfigError where the store is encrypted and the Temporal client is not */
  constructor(private readonly options: JobClientOptions) {
    const { client, store, taskQueue = TASK_QUEUE } = options;
    const digester = digesterOf(keysOf(options));
    const records = store ? storeRecords(client, store, digester) : runRecords(client, digester);
    this.scope = { client, store, taskQueue, records, digester };
    this.submits = new SharedSubmits(this.scope, options);
    this.waits = new SharedWaits(this.scope);
    this.watches = new SharedWatches(this.scope);
  }

  /**
   * Starts the job, or joins it where it exists; does not wait for its answer.
   *
   * @returns the record with `created` (this call started it) and `replayed` (it was settled)
   * @throws InputMismatchError, JobForgottenError, InvalidInputError, InvalidJobIdError, IdInUseError
   */
  async submit<I, O>(job: JobInput<I, O>): Promise<SubmitAnswer> {
    return this.submits.submit(this.seed(job));
  }

  /**
   * Submits and waits for the answer.
   *
   * @throws JobFailedError, JobCanceledError, JobInDoubtError, JobForgottenError, JobTimeoutError, and
   *   what {@link submit} throws; each carries the record
   */
  async run<I, O>(job: JobInput<I, O>, wait: WaitOptions = {}): Promise<RunAnswer<O>> {
    const seed = this.seed(job);
    const leave = leaveSignal(wait);
    const submitting = leaveOn(leave.signal, this.submits.submit(seed));
    const submitted = await this.orTimeout(seed.key, wait, leave, submitting);
    const answer = await this.settle(seed, submitted, wait, leave);
    succeed(answer);
    return answer as RunAnswer<O>;
  }

  /**
   * As {@link submit}, for a caller that waits afterwards, perhaps: the input is read and digested once for both.
   *
   * @throws as {@link submit}
   *
   * @example
   * const { submitted, answer } = await jobs.begin(job);
   * const record = submitted.replayed ? submitted : await answer({ signal });
   */
  async begin<I, O>(job: JobInput<I, O>): Promise<BegunJob> {
    const seed = this.seed(job);
    // the wait may be long, and needs nothing of the input
    const { key, input_digest } = seed;
    const submitted = await this.submits.submit(seed);
    const answer = (wait: WaitOptions = {}) =>
      this.settle({ key, input_digest }, submitted, wait, leaveSignal(wait));
    return { submitted, answer };
  }

  /**
   * Waits for a job that was submitted before.
   *
   * @param wait.after - the token of a settled record that is no answer, since its job was opened again
   * @throws as {@link run}
   */
  async wait(jobId: string, wait: WaitOptions & { after?: number } = {}): Promise<JobRecord> {
    // not awaited: ten thousand may wait, and each frame on the way is memory
    return this.waitFor({ key: this.key(jobId), staleToken: wait.after }, wait).then(succeed);
  }

  /**
   * The record as it is now, then each change of it as it is seen, until the job is settled. Changes that
   * follow each other within a look are told as one; the last always comes. Asks no worker to run, and starts
   * no run. Those who watch one job share its looks.
   *
   * @throws JobNotFoundError; the signal's reason where it aborts
   *
   * @example
   * for await (const { status } of jobs.watch('film-1')) console.log(status);
   */
  watch(
    jobId: string,
    { signal }: Pick<WaitOptions, 'signal'> = {},
  ): AsyncGenerator<JobRecord, void, undefined> {
    return this.watches.watch(this.key(jobId), signal);
  }

  /** How many jobs are looked at for `watch` now: 0 once all who watched have left. */
  get watchedJobs(): number {
    return this.watches.size;
  }

  /** The job's record, or null where nothing is known of it. Asks no worker to run. */
  async get(jobId: string): Promise<JobRecord | null> {
    return this.scope.records.read(this.key(jobId));
  }

  /**
   * What the provider answered in refusing the request of a FAILED job, for those who speak its protocol. It
   * may quote the input: for the caller alone, never for a log. Null where it is not known (only the built-in
   * tasks `chat.completions` and `responses` keep it, and only a store), or where the job has moved on.
   */
  async providerError({ job_id, token }: JobRecord): Promise<ProviderError | null> {
    const { job } = (await this.scope.store?.read(this.key(job_id))) ?? { job: null };
    return (job?.token === token && job.rejection) || null;
  }

  /** Whether a run of the job is open: one that is settled is then being run again. Asks Temporal. */
  async isRunning(jobId: string): Promise<boolean> {
    return (await findRun(this.scope.client, this.key(jobId)))?.isOpen ?? false;
  }

  /**
   * Why an unsettled job does not get on, in the words of its last attempt: e.g. a refused API key, or a
   * worker with another store than this client's. Null where nothing went wrong. Asks Temporal.
   */
  async whyWaiting(jobId: string): Promise<string | null> {
    return whyWaiting(this.scope.client, this.key(jobId));
  }

  /** Records, newest change first; without a store, of the runs that Temporal still has. */
  async list(filter: Omit<ListFilter, 'tenant'> = {}): Promise<RecordPage> {
    const tenant = this.options.tenant ?? null;
    if (!this.scope.store) return { records: await listRuns(this.scope.client, { ...filter, tenant }) };
    const { jobs, cursor, corrupt } = await this.scope.store.list({ ...filter, tenant });
    return { records: jobs.map(toRecord), cursor, corrupt };
  }

  /**
   * Jobs, attempts, tokens and known cost by task, day (of creation, UTC) and status; of every tenant where
   * this client was given none.
   *
   * @throws ConfigError without a store
   */
  async stats(): Promise<StatsRow[]> {
    const { store } = this.scope;
    if (!store) {
      throw new ConfigError('stats needs the store that the workers use; set INFER_ONCE_STORE_URL.');
    }
    return store.stats({ tenant: this.options.tenant });
  }

  /**
   * Runs a failed or canceled job again, even where that may pay again; a completed one answers with its
   * record, a running one is joined.
   *
   * @returns the record as it is after the start; `wait` for the answer
   * @throws WrongStateError on a job in doubt (use `resolve`)
   */
  async retry(jobId: string, wait?: WaitOptions): Promise<JobRecord> {
    const key = this.key(jobId);
    const met = await this.scope.records.meetRetry(key);
    if (met.kind === 'in_doubt') {
      throw new WrongStateError(jobId, 'it is in doubt; settle it with resolve', met.record ?? undefined);
    }
    if (met.kind === 'forgotten') throw new JobForgottenError(jobId, met.record ?? undefined);
    if (met.kind === 'replay') return met.record!;
    await restartRun(this.scope, key, met.record, met.permit);
    if (wait) return succeed(await this.waitFor({ key, staleToken: met.permit?.token }, wait));
    return (await this.get(jobId)) ?? met.record!;
  }

  /**
   * Cancels a job. In mid-call the request is aborted, which un-bills nothing: `billed: unknown`.
   *
   * @returns the record once the cancel is written, or, after `timeoutMs` (default 10 s), as it is then
   */
  async cancel(jobId: string, { timeoutMs = CANCEL_WAIT_MS, signal }: WaitOptions = {}): Promise<JobRecord> {
    return cancelJob(this.scope, this.key(jobId), leaveSignal({ timeoutMs, signal }).signal!);
  }

  /**
   * Settles a doubt.
   *
   * @param decision - names the doubt by the token that its record showed (`doubt.token`)
   * @throws WrongStateError where that doubt is not the present one; nothing changes
   */
  async resolve(jobId: string, decision: ResolveRequest): Promise<JobRecord> {
    return resolveJob(this.scope, this.key(jobId), decision);
  }

  /**
   * Erases a settled job; its id stays taken.
   *
   * @param wait.timeoutMs - how long a run that is still open may take to close; default 10 s
   * @throws WrongStateError where it is not settled, or its run does not close; nothing is erased then
   */
  async forget(jobId: string, { timeoutMs = CLOSE_WAIT_MS }: WaitOptions = {}): Promise<JobRecord> {
    return forgetJob(this.scope, this.key(jobId), this.options.provider, AbortSignal.timeout(timeoutMs));
  }

  /**
   * Submits many jobs, `concurrency` at once (default 50), and yields each answer as it comes; with
   * `wait` each is waited for. A job's own error is yielded with its id and stops no other.
   */
  submitMany<I, O>(
    jobs: Iterable<JobInput<I, O>> | AsyncIterable<JobInput<I, O>>,
    options: { concurrency?: number; wait?: WaitOptions } = {},
  ): AsyncGenerator<ManyAnswer<JobRecord>> {
    const { concurrency = 50, wait } = options;
    return forMany(
      jobs,
      concurrency,
      async (job): Promise<JobRecord> =>
        wait ? ((await this.run(job, wait)) as JobRecord) : this.submit(job),
    );
  }

  /** Starts orphans: unsettled jobs without an open run; needs a store. See {@link repairJobs}. */
  repair(olderThanMs = 60_000): AsyncGenerator<RepairedJob> {
    return repairJobs(this.scope, this.options.tenant, olderThanMs);
  }

  private key(jobId: string): string {
    return jobKey(jobId, this.options.tenant ?? null);
  }

  private seed(job: JobInput<unknown, unknown> | JobInput<never, unknown>) {
    const name = typeof job.task === 'string' ? job.task : job.task.name;
    return makeSeed(this.scope, this.key(job.job_id), name, job.input);
  }

  private async settle(
    seed: Pick<JobSeed, 'key' | 'input_digest'>,
    submitted: SubmitAnswer,
    wait: WaitOptions,
    leave: Leave,
  ): Promise<SubmitAnswer> {
    const { created, replayed, status, token } = submitted;
    if (replayed) return compareDigest(submitted, seed.input_digest);
    // a job opened again still shows its old failure until the new run has claimed it
    const wanted = isSettled(status) ? { staleToken: token } : { isOpen: true };
    const record = await this.waitFor({ key: seed.key, ...wanted }, wait, leave);
    return { ...compareDigest(record, seed.input_digest), created, replayed };
  }

  private async waitFor(wanted: Wanted, wait: WaitOptions, leave = leaveSignal(wait)): Promise<JobRecord> {
    const { key } = wanted;
    const waiting = this.waits.wait(wanted, leave.signal);
    const record = await (leave.timeout ? this.orTimeout(key, wait, leave, waiting) : waiting);
    // a run that was under way when its job was forgotten leaves a history behind
    if (record.status === 'FORGOTTEN') await deleteHistory(this.scope.client, key);
    return record;
  }

  /** Says it in a typed error where a caller has left because his time was over. */
  private async orTimeout<T>(key: string, wait: WaitOptions, leave: Leave, act: Promise<T>): Promise<T> {
    try {
      return await act;
    } catch (error) {
      if (!leave.timeout?.aborted || wait.signal?.aborted) throw error;
      const { jobId } = parseJobKey(key);
      throw new JobTimeoutError(jobId, wait.timeoutMs!, (await this.scope.records.read(key)) ?? undefined);
    }
  }
}
