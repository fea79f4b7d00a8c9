import { UserError } from '../../src/errors';
import type { Job } from '../contestants/contestant';
import type { BenchWorker } from '../support/bench-worker';
import type { AskedJob, ToldJob } from '../workers/infer-once-contract';

interface Waiter {
  done(text: string): void;
  failed(error: Error): void;
}

/** Has a worker's own process submit jobs, as a program does that has its worker in it. */
export class AskedJobs {
  /** Starts so far whose first workflow task came with the reply. */
  eagerStarts = 0;
  private readonly waiting = new Map<string, Waiter>();
  private readonly child;

  constructor(worker: Pick<BenchWorker, 'child'>) {
    this.child = worker.child();
    this.child.on('message', (told: ToldJob) => this.tell(told));
    this.child.once('exit', () => {
      const sentence = 'The worker that submits the jobs has ended.';
      for (const { failed } of this.waiting.values())
        failed(new UserError(sentence, { code: 'bench_worker' }));
    });
  }

  run({ id, prompt }: Job): Promise<string> {
    return new Promise((done, failed) => {
      this.waiting.set(id, { done, failed });
      this.child.send({ id, prompt } satisfies AskedJob);
    });
  }

  private tell({ id, text, error, eagerStarts }: ToldJob): void {
    this.eagerStarts = eagerStarts;
    const waiter = this.waiting.get(id);
    this.waiting.delete(id);
    if (text !== undefined) waiter?.done(text);
    else waiter?.failed(new UserError(`Job ${id} failed: ${error}`, { code: 'bench_answer' }));
  }
}
