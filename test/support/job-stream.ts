import { setTimeout as delay } from 'node:timers/promises';
import { UnreachableError } from '../../src/errors';
import type { JobRecord } from '../../src/job';
import type { Lane } from './crash-world';
import { INPUT, outcome } from './killed-job';

/** Jobs that are submitted one after the other in several streams, while a test does harm. */
export interface JobStream {
  /** Every job that was submitted so far. */
  readonly ids: readonly string[];
  /** How many are settled, or wait for a decision. */
  told(): number;
  /** How often a submission or a wait met a part that was away. */
  away(): number;
  /** No more jobs; resolves when the last is told. */
  end(): Promise<void>;
  /** Resolves as {@link JobStream.end} does. */
  readonly ended: Promise<void>;
}

/** How to stream. */
export interface StreamSpec {
  /** How many jobs are under way at once. */
  streams: number;
  /** Hears each record that is told, before the next job is submitted. */
  hear?(record: JobRecord): void;
  /** What a person does about a job that waits for a decision; default nothing. */
  decide?(record: JobRecord): Promise<unknown>;
}

/**
 * Streams jobs `NAME-0`, `NAME-1`, …, each submitted twice at once and waited for. Whoever meets a part that is away
 * asks again, as every client does.
 */
export function streamJobs(lane: Lane, name: string, { streams, hear, decide }: StreamSpec): JobStream {
  const ids: string[] = [];
  let [told, away, isOver] = [0, 0, false];

  async function persist<T>(ask: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await ask();
      } catch (error) {
        if (!(error instanceof UnreachableError)) throw error;
        away += 1;
        // a client's pause; what it waits for is asked for anew each time
        await delay(50);
      }
    }
  }

  const stream = async () => {
    while (!isOver) {
      const job = { job_id: `${name}-${ids.length}`, task: 'enrich', input: INPUT };
      ids.push(job.job_id);
      const submit = () => persist(() => lane.jobs.submit(job));
      await Promise.all([submit(), submit()]);
      const ask = () => persist(() => outcome(lane, job.job_id));
      let record = await ask();
      while (decide && record.status === 'IN_DOUBT') {
        const doubted = record;
        await persist(() => decide(doubted));
        record = await ask();
      }
      told += 1;
      hear?.(record);
    }
  };
  const ended = Promise.all(Array.from({ length: streams }, stream)).then(() => undefined);
  return {
    ...{ ids, ended },
    told: () => told,
    away: () => away,
    end() {
      isOver = true;
      return ended;
    },
  };
}
