import { compareDigest, succeed } from '../client/answer';
import { INPUT_LIMIT_BYTES, limitInput } from '../client/input-limit';
import type { Jobs } from '../client/jobs';
import { leaveSignal } from '../client/leave';
import type { JobInput, RecordPage, RunAnswer, WaitOptions } from '../client/types';
import { inputDigest } from '../digest';
import { JobForgottenError, JobNotFoundError, JobTimeoutError } from '../errors';
import { isSettled, type JobRecord, jobKey, type SubmitAnswer } from '../job';
import type { ListFilter, StatsRow } from '../store/store';
import type { ResolveRequest } from '../workflows/contract';
import { untilAnswered } from './long-poll';
import { PATIENCE_MS, type Patience, patiently } from './patience';
import { notAGateway, refusalOf } from './refusal';
import { type Answer, type Sent, Wire } from './wire';

export interface GatewayClientOptions {
  /** The gateway's address, e.g. `http://127.0.0.1:8080`; the path before `/v1` where a proxy adds one. */
  url: string;
  /** A key of `infer-once keys add`, where the gateway wants one. Sent there only. */
  key?: string;
}

/** The longest that a gateway waits. */
const MAX_WAIT_S = 600;
const LAST_LOOK_MS = 5_000;

/**
 * Does over HTTP what `JobClient` does, with the same answers and errors; needs neither Temporal nor the store.
 * While it submits and waits, a gateway that has been there may be away: to submit again counts once. That is
 * waited out for the caller's own time, or for a minute where he gave none.
 *
 * @example
 * const jobs = new GatewayClient({ url: 'http://127.0.0.1:8080', key: process.env.INFER_ONCE_GATEWAY_KEY });
 * const { result } = await jobs.run({ job_id: 'film-1', task: 'enrich', input: { title: 'alien (1979)' } });
 * await jobs.close();
 */
export class GatewayClient implements Jobs {
  private readonly wire: Wire;

  /** @throws ConfigError where the address or the key can't be used */
  constructor({ url, key }: GatewayClientOptions) {
    this.wire = new Wire(url, key);
  }

  /** The gateway's address as it was understood. */
  get address(): string {
    return this.wire.address;
  }

  /** Starts the job, or joins it; see `JobClient.submit`. @throws as it, and UnreachableError */
  async submit<I, O>(job: JobInput<I, O>): Promise<SubmitAnswer> {
    return (await this.begin(job, { patienceMs: PATIENCE_MS })).submitted;
  }

  /** Submits and waits for the answer; see `JobClient.run`. @throws as it, and UnreachableError */
  async run<I, O>(job: JobInput<I, O>, wait: WaitOptions = {}): Promise<RunAnswer<O>> {
    return this.within(job.job_id, wait, async (patience) => {
      const { digest, submitted } = await this.begin(job, patience);
      const { created, replayed } = submitted;
      // a job opened again still shows its old failure until the new run has claimed it
      const record = replayed ? submitted : await this.answerTo(submitted, patience);
      return { ...succeed(compareDigest(record, digest)), created, replayed } as RunAnswer<O>;
    });
  }

  /** Waits for a job that was submitted before. @throws as {@link run} */
  async wait(jobId: string, wait: WaitOptions & { after?: number } = {}): Promise<JobRecord> {
    return this.within(jobId, wait, async (patience) =>
      succeed(await untilAnswered(this.wire, { jobId, after: wait.after }, patience)),
    );
  }

  /** The job's record, or null where nothing is known of it. */
  async get(jobId: string): Promise<JobRecord | null> {
    try {
      return (await this.ask({ method: 'GET', path: pathOf(jobId) }, jobId)) as JobRecord;
    } catch (error) {
      if (error instanceof JobNotFoundError) return null;
      if (error instanceof JobForgottenError && error.record) return error.record;
      throw error;
    }
  }

  /** Records, newest change first. */
  async list({ status, task, limit, cursor }: Omit<ListFilter, 'tenant'> = {}): Promise<RecordPage> {
    const path = `/v1/jobs${queryOf({ status, task, limit, cursor })}`;
    const page = (await this.ask({ method: 'GET', path })) as ListAnswer;
    const corrupt = page.corrupt.map(({ job_id, message }) => ({ key: job_id, message }));
    return {
      records: page.records,
      ...(page.cursor && { cursor: page.cursor }),
      ...(corrupt.length > 0 && { corrupt }),
    };
  }

  /** Jobs, attempts, tokens and known cost by task, day and status. */
  async stats(): Promise<StatsRow[]> {
    return ((await this.ask({ method: 'GET', path: '/v1/stats' })) as { rows: StatsRow[] }).rows;
  }

  /** Runs a failed or canceled job again; see `JobClient.retry`. Sent once: each may pay once more. */
  async retry(jobId: string, wait?: WaitOptions): Promise<JobRecord> {
    const begun = (await this.act(jobId, '/retry')) as JobRecord;
    if (!wait || begun.status === 'COMPLETED') return begun;
    return this.within(jobId, wait, async (patience) => succeed(await this.answerTo(begun, patience)));
  }

  /** Cancels a job; see `JobClient.cancel`. */
  async cancel(jobId: string, { timeoutMs }: WaitOptions = {}): Promise<JobRecord> {
    if (timeoutMs === undefined) return (await this.act(jobId, '/cancel')) as JobRecord;
    const wait = Math.min(Math.ceil(timeoutMs / 1000), MAX_WAIT_S);
    return (await this.act(jobId, `/cancel?wait=${wait}`, { waitMs: wait * 1000 })) as JobRecord;
  }

  /** Settles a doubt; see `JobClient.resolve`. */
  async resolve(jobId: string, decision: ResolveRequest): Promise<JobRecord> {
    return (await this.act(jobId, '/resolve', { body: decision })) as JobRecord;
  }

  /** Erases a settled job; its id stays taken. See `JobClient.forget`. */
  async forget(jobId: string): Promise<JobRecord> {
    return (await this.act(jobId, '', { method: 'DELETE' })) as JobRecord;
  }

  /** Why a job's calls are refused, where they are. Of a gateway no more can be asked than the record. */
  async whyWaiting(jobId: string): Promise<string | null> {
    return (await this.get(jobId))?.refusal?.message ?? null;
  }

  /**
   * Resolves where the gateway answers, and Temporal and the store answer it.
   *
   * @throws UnreachableError that says which part does not; ConfigError where another server is there
   */
  async reach(): Promise<void> {
    const answer = await this.wire.send({ method: 'GET', path: '/readyz' });
    const { away } = (answer.body ?? {}) as { away?: string[] };
    if (!Array.isArray(away)) {
      throw answer.status === 200 ? notAGateway(this.wire, 200) : refusalOf(this.wire, answer);
    }
    if (away.length === 0) return;
    throw this.wire.away(`is there, but its ${away.join(' and ')} does not answer it`);
  }

  /** Closes its connections. */
  close(): Promise<void> {
    return this.wire.close();
  }

  /** The job's submission, and the digest of its input: what any answer to it has to have. */
  private async begin(
    { job_id, task, input }: JobInput<unknown, unknown> | JobInput<never, unknown>,
    patience: Patience,
  ): Promise<{ submitted: SubmitAnswer; digest: string }> {
    const name = typeof task === 'string' ? task : task.name;
    const path = pathOf(job_id);
    const digest = inputDigest(job_id, name, input);
    limitInput(job_id, JSON.stringify(input), INPUT_LIMIT_BYTES, 'send less');
    const sent: Sent = { method: 'PUT', path, body: { task: name, input }, signal: patience.signal };
    const answer = await patiently(this.wire, () => this.wire.send(sent), patience);
    return { submitted: this.take(answer, job_id) as SubmitAnswer, digest };
  }

  private answerTo(begun: JobRecord, patience: Patience): Promise<JobRecord> {
    const after = isSettled(begun.status) ? begun.token : undefined;
    return untilAnswered(this.wire, { jobId: begun.job_id, after }, patience);
  }

  /** What only reads: the gateway has to be there, and a key's limit is waited for. */
  private async ask(sent: Sent, jobId?: string): Promise<object> {
    const answer = await patiently(this.wire, () => this.wire.send(sent), { patienceMs: 0 });
    return this.take(answer, jobId);
  }

  private async act(jobId: string, suffix: string, more: Partial<Sent> = {}): Promise<object> {
    const sent: Sent = { method: 'POST', path: pathOf(jobId) + suffix, isOnce: true, ...more };
    const answer = await patiently(this.wire, () => this.wire.send(sent), { patienceMs: 0 });
    return this.take(answer, jobId);
  }

  private take(answer: Answer, jobId?: string): object {
    const { status, body } = answer;
    if (status !== 200 && status !== 202) throw refusalOf(this.wire, answer, jobId);
    if (body === null) throw notAGateway(this.wire, status);
    return body;
  }

  /** Leaves when the caller has waited long enough; the job goes on. */
  private async within<T>(
    jobId: string,
    wait: WaitOptions,
    act: (patience: Patience) => Promise<T>,
  ): Promise<T> {
    const { signal, timeout } = leaveSignal(wait);
    try {
      return await act({ patienceMs: wait.timeoutMs ?? PATIENCE_MS, signal });
    } catch (error) {
      if (wait.signal?.aborted) throw wait.signal.reason;
      if (!timeout?.aborted || error !== timeout.reason) throw error;
      throw new JobTimeoutError(jobId, wait.timeoutMs!, await this.lastLook(jobId));
    }
  }

  private async lastLook(jobId: string): Promise<JobRecord | undefined> {
    const path = pathOf(jobId);
    const signal = AbortSignal.timeout(LAST_LOOK_MS);
    const answer = await this.wire.send({ method: 'GET', path, signal }).catch(() => null);
    return answer?.status === 200 || answer?.status === 202 ? (answer.body as JobRecord) : undefined;
  }
}

/** What `GET /v1/jobs` answers. */
interface ListAnswer {
  records: JobRecord[];
  cursor: string | null;
  corrupt: { job_id: string; message: string }[];
}

/** @throws InvalidJobIdError before anything is sent */
function pathOf(jobId: string): string {
  return `/v1/jobs/${encodeURIComponent(jobKey(jobId))}`;
}

function queryOf(fields: Record<string, string | number | undefined>): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(fields)) {
    if (value !== undefined) query.set(name, String(value));
  }
  return query.size > 0 ? `?${query}` : '';
}
