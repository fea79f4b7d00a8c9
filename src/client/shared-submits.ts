import type { SubmitAnswer } from '../job';
import type { JobSeed } from '../once/rules/row';
import type { Scope } from './scope';
import { submitJob } from './submit';

/**
 * Submissions of one job that are under way at the same time are one: a thousand impatient callers ask
 * Temporal once. The first may have created the job, the others have joined it.
 */
export class SharedSubmits {
  private readonly underWay = new Map<string, Promise<SubmitAnswer>>();

  constructor(private readonly scope: Scope) {}

  /** @throws as `submitJob` */
  async submit(seed: JobSeed): Promise<SubmitAnswer> {
    const name = `${seed.key} ${seed.input_digest}`;
    const first = this.underWay.get(name);
    if (first) return { ...(await first), created: false };
    const submission = submitJob(this.scope, seed).finally(() => this.underWay.delete(name));
    this.underWay.set(name, submission);
    return submission;
  }
}
