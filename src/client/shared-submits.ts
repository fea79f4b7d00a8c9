import type { SubmitAnswer } from '../job';
import type { JobLog } from '../log';
import type { JobSeed } from '../once/rules/row';
import type { Scope } from './scope';
import { submitJob } from './submit';

/**
 * Submissions of one job that are under way at the same time are one: a thousand impatient callers ask
 * Temporal once. The first may have created the job, the others have joined it.
 */
export class SharedSubmits {
  private readonly underWay = new Map<string, Promise<SubmitAnswer>>();

  constructor(
    private readonly scope: Scope,
    private readonly log: JobLog | undefined,
  ) {}

  /** @throws as `submitJob` */
  async submit(seed: JobSeed): Promise<SubmitAnswer> {
    const name = `${seed.key} ${seed.input_digest}`;
    const first = this.underWay.get(name);
    if (first) return this.tell(seed, { ...(await first), created: false });
    const submission = submitJob(this.scope, seed).finally(() => this.underWay.delete(name));
    this.underWay.set(name, submission);
    return this.tell(seed, await submission);
  }

  private tell({ key, task }: JobSeed, answer: SubmitAnswer): SubmitAnswer {
    const event = answer.replayed ? 'replayed' : answer.created ? 'submitted' : 'joined';
    this.log?.info({ job_id: key, task, status: answer.status }, event);
    return answer;
  }
}
