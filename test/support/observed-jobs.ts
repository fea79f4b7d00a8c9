import { JobClient } from '../../src/client';
import type { JobClientOptions, JobInput, RunAnswer, WaitOptions } from '../../src/client/types';
import type { HistoryEvent } from '../../src/dev/check-history';
import { inputDigest } from '../../src/digest';
import type { JobRecord, SubmitAnswer } from '../../src/job';

/** A `JobClient` that writes down what its caller is told, for the history checker. */
export class ObservedJobs extends JobClient {
  private readonly digests = new Map<string, string>();

  constructor(
    options: JobClientOptions,
    private readonly seen: HistoryEvent[],
    private readonly by = 'a client',
  ) {
    super(options);
  }

  override async submit<I, O>(job: JobInput<I, O>): Promise<SubmitAnswer> {
    this.remember(job);
    const answer = await super.submit(job);
    this.seen.push({ type: 'acknowledged', job: job.job_id, by: this.by });
    this.told(answer);
    return answer;
  }

  override async run<I, O>(job: JobInput<I, O>, wait?: WaitOptions): Promise<RunAnswer<O>> {
    this.remember(job);
    return this.telling(super.run(job, wait));
  }

  override async wait(jobId: string, wait?: WaitOptions): Promise<JobRecord> {
    return this.telling(super.wait(jobId, wait));
  }

  override async get(jobId: string): Promise<JobRecord | null> {
    const record = await super.get(jobId);
    if (record) this.told(record);
    return record;
  }

  override async retry(jobId: string, wait?: WaitOptions): Promise<JobRecord> {
    const before = await super.get(jobId);
    // of any other job a retry allows nothing: it is refused, or joins what runs
    if (before?.status === 'FAILED' || before?.status === 'CANCELED') {
      this.seen.push({ type: 'allowed', job: jobId, why: 'retry', token: before.token });
    }
    return this.telling(super.retry(jobId, wait));
  }

  private remember({ job_id, task, input }: JobInput<never, unknown> | JobInput): void {
    const name = typeof task === 'string' ? task : task.name;
    this.digests.set(job_id, inputDigest(job_id, name, input));
  }

  private async telling<T extends object>(answer: Promise<T>): Promise<T> {
    try {
      const record = await answer;
      this.told(record as unknown as JobRecord);
      return record;
    } catch (error) {
      const { record, code } = error as { record?: JobRecord; code?: string };
      if (record && code !== 'input_mismatch') this.told(record);
      throw error;
    }
  }

  private told({ job_id, status, token, result, input_digest }: JobRecord): void {
    // of a job that another client submitted, whatever its record says is its own
    const submitted = this.digests.get(job_id) ?? input_digest;
    const record = { status, token, result, input_digest };
    this.seen.push({ type: 'answered', job: job_id, by: this.by, submitted, record });
  }
}
