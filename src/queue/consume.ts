import { setTimeout as delay } from 'node:timers/promises';
import type { JobClient } from '../client';
import type { SubmitAnswer } from '../job';
import type { JobLog } from '../log';
import type { TaskRegistry } from '../tasks/registry';
import { type Failure, judgeFailure } from './fate';
import { parseMessage } from './message';
import { Outage } from './outage';
import type { Delivery, JobQueue, Verdict } from './queue';

/** How a consumer works. */
export interface ConsumerOptions {
  jobs: JobClient;
  /** A message for another task is poison: the tasks of the workers, then. */
  tasks: TaskRegistry;
  /** Messages in hand at once. */
  concurrency: number;
  log: JobLog;
  /** Whether Temporal and the store answer; `jobId` is one to ask about. Soon, whatever it has to say. */
  answers(jobId: string): Promise<boolean>;
}

/** What became of the deliveries. */
export interface ConsumeCounts {
  received: number;
  /** This delivery started its job. */
  started: number;
  /** Its job was under way. */
  joined: number;
  /** Its job was settled. */
  replayed: number;
  /** Left to the queue's redrive policy. */
  poison: number;
  /** Left because a part was away; it comes back. */
  left: number;
}

/**
 * A start that takes longer is not awaited, so that no delivery holds up its batch for long or outlives the
 * queue's visibility time-out (30 s by default).
 */
const START_LIMIT_MS = 10_000;

/**
 * Submits a job for each message until `stop` aborts, and acknowledges the message once the start is
 * durable: Temporal has written the run, or holds an open one of this job, or the record is settled.
 *
 * A message that is delivered twice, even at the same time, is harmless: the second submission meets the
 * record or the run of the first. So neither a crash before the acknowledgement nor a visibility time-out that
 * is too short costs a call.
 */
export async function consumeJobs(
  queue: JobQueue,
  options: ConsumerOptions,
  stop: AbortSignal,
): Promise<ConsumeCounts> {
  const consumer = new Consumer(options, stop);
  const { concurrency } = options;
  const { outage } = consumer;
  await queue.consume(
    {
      concurrency,
      ready: () => outage.ready(),
      handle: (delivery) => consumer.handle(delivery),
      onFault: (fault) => outage.meet(fault.message, () => isThere(queue)),
    },
    stop,
  );
  return consumer.counts;
}

class Consumer {
  readonly counts: ConsumeCounts = { received: 0, started: 0, joined: 0, replayed: 0, poison: 0, left: 0 };
  readonly outage: Outage;

  constructor(
    private readonly options: ConsumerOptions,
    stop: AbortSignal,
  ) {
    this.outage = new Outage(options.log, stop);
  }

  async handle(delivery: Delivery): Promise<Verdict> {
    this.counts.received += 1;
    const parsed = parseMessage(delivery.body);
    if ('fault' in parsed) {
      return this.refuse(delivery, parsed.jobId, { kind: 'poison', code: 'bad_message', why: parsed.fault });
    }
    const { job } = parsed;
    try {
      this.options.tasks.get(job.task);
      const answer = await withinLimit(this.options.jobs.submit(job));
      return answer ? this.take(delivery, answer) : await this.leaveSlow(delivery, job.job_id);
    } catch (error) {
      return this.refuse(delivery, job.job_id, judgeFailure(error));
    }
  }

  private take({ id }: Delivery, { job_id, task, created, replayed }: SubmitAnswer): Verdict {
    const how = replayed ? 'replayed' : created ? 'started' : 'joined';
    this.counts[how] += 1;
    this.options.log.info({ message_id: id, job_id, task }, how);
    // a settled job is answered without Temporal, and says nothing of it
    if (!replayed) this.outage.forget();
    return 'acknowledge';
  }

  private refuse({ id, receives }: Delivery, jobId: string | null, failure: Failure): Verdict {
    const { kind, code, why } = failure;
    if (kind === 'passing') return this.leave(jobId!, why);
    this.counts.poison += 1;
    this.options.log.error({ message_id: id, job_id: jobId, receives, code, why }, 'poison');
    return 'leave';
  }

  private leave(jobId: string, why: string): Verdict {
    this.counts.left += 1;
    this.outage.meet(why, () => this.options.answers(jobId));
    return 'leave';
  }

  /** Temporal is away or slow; or another run holds the id, which is this job's own affair. */
  private async leaveSlow({ id }: Delivery, jobId: string): Promise<Verdict> {
    const seconds = START_LIMIT_MS / 1000;
    if (!(await this.options.answers(jobId))) {
      return this.leave(jobId, `Temporal or the store does not answer within ${seconds} s; check both.`);
    }
    this.counts.left += 1;
    const why = `Job ${jobId} was not started within ${seconds} s; its message comes back.`;
    this.options.log.warn({ message_id: id, job_id: jobId, why }, 'slow');
    return 'leave';
  }
}

/** Null where it takes too long. It goes on all the same, and a redelivery joins it. */
async function withinLimit<T>(work: Promise<T>): Promise<T | null> {
  const over = new AbortController();
  const limit = delay(START_LIMIT_MS, null, { signal: over.signal }).catch(() => null);
  try {
    return await Promise.race([work, limit]);
  } finally {
    over.abort();
    // its error is of no interest once it was left
    work.catch(() => undefined);
  }
}

async function isThere(queue: JobQueue): Promise<boolean> {
  try {
    await queue.check();
    return true;
  } catch {
    return false;
  }
}
