import { InputMismatchError, JobForgottenError } from '../errors';
import type { SubmitAnswer } from '../job';
import type { JobSeed } from '../once/rules/row';
import type { Scope } from './scope';
import { submitJob } from './submit';
import type { JobClientOptions, Submission } from './types';

/**
 * Submissions of one job that are under way at the same time are one: a thousand impatient callers ask
 * Temporal once. The first may have created the job, the others have joined it.
 */
export class SharedSubmits {
  private readonly underWay = new Map<string, Promise<SubmitAnswer>>();

  constructor(
    private readonly scope: Scope,
    private readonly listeners: Pick<JobClientOptions, 'log' | 'onSubmission'>,
  ) {}

  /** @throws as `submitJob` */
  async submit(seed: JobSeed): Promise<SubmitAnswer> {
    try {
      const answer = await this.share(seed);
      const outcome = answer.replayed ? 'replayed' : answer.created ? 'created' : 'joined';
      this.tell(seed, outcome, answer);
      return answer;
    } catch (error) {
      if (error instanceof InputMismatchError) this.tell(seed, 'mismatch');
      if (error instanceof JobForgottenError) this.tell(seed, 'forgotten');
      throw error;
    }
  }

  /** @param isLater - whatever is under way began after this caller came */
  private async share(seed: JobSeed, isLater = false): Promise<SubmitAnswer> {
    const name = `${seed.key} ${seed.input_digest}`;
    const first = this.underWay.get(name);
    if (first) {
      const answer = await first;
      // it may have looked before this caller came, and a `forget` may have been acknowledged in between
      return answer.replayed && !isLater ? this.share(seed, true) : { ...answer, created: false };
    }
    const submission = submitJob(this.scope, seed).finally(() => this.underWay.delete(name));
    this.underWay.set(name, submission);
    return submission;
  }

  private tell({ key, task }: JobSeed, outcome: Submission['outcome'], answer?: SubmitAnswer): void {
    const { log, onSubmission } = this.listeners;
    const event = outcome === 'created' ? 'submitted' : outcome;
    log?.info({ job_id: key, task, status: answer?.status }, event);
    onSubmission?.({ job_id: key, task, outcome, cost_usd: answer?.cost_usd ?? null });
  }
}
