import type { Jobs } from '../../src/client/jobs';
import type { JobInput } from '../../src/client/types';
import { inputDigest } from '../../src/digest';
import { JobError, JobInDoubtError } from '../../src/errors';
import type { JobRecord } from '../../src/job';
import type { Book } from './book';

/** No job of a soak takes so long, however many of its workers die. */
const STUCK_MS = 180_000;

/** A caller who notes what it is told. */
export interface Caller {
  /** Submits the job and waits; settles a doubt, as an operator would, and waits on. */
  run(job: JobInput): Promise<void>;
  /** Submits an id with an input that is not its own; nobody must be told another input's answer. */
  mistake(job: JobInput): Promise<void>;
}

/** @param by - who this is, for sentences */
export function callerOf(jobs: Jobs, book: Book, by: string): Caller {
  const told = (job: JobInput, record: JobRecord) => {
    const submitted = inputDigest(job.job_id, String(job.task), job.input);
    const { status, token, result, input_digest } = record;
    const seen = { status, token, result, input_digest };
    book.note({ type: 'answered', job: job.job_id, by, submitted, record: seen });
  };
  const ask = async (job: JobInput): Promise<JobRecord | null> => {
    try {
      const record = (await jobs.run(job, { timeoutMs: STUCK_MS })) as JobRecord;
      book.note({ type: 'acknowledged', job: job.job_id, by });
      told(job, record);
      return null;
    } catch (error) {
      if (error instanceof JobInDoubtError) return error.record!;
      const { code = 'unknown', record } = error as Partial<JobError>;
      if (error instanceof JobError && record && code !== 'input_mismatch') told(job, record);
      else book.note({ type: 'unanswered', job: job.job_id, by, why: code });
      return null;
    }
  };
  return {
    async run(job) {
      for (let inDoubt = await ask(job); inDoubt; inDoubt = await ask(job)) {
        const doubt = inDoubt.doubt!.token;
        // of two who decide the same doubt the second is told so
        await jobs.resolve(job.job_id, { action: 'rerun', doubt, by }).catch(() => undefined);
      }
    },
    async mistake(job) {
      await ask(job);
    },
  };
}
