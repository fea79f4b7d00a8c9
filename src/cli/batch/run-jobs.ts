import { setTimeout as delay } from 'node:timers/promises';
import type { JobInput } from '../../client';
import type { Jobs } from '../../client/jobs';
import { ConfigError, JobError, UnknownTaskError, UnreachableError, UserError } from '../../errors';
import { isSettled, type JobRecord } from '../../job';
import { EXIT, exitCodeOf } from '../exit-codes';
import { say } from '../fail';
import { type LineForm, parseJobLine } from './job-line';
import type { Line } from './lines';

/** How one line ended. */
export interface LineEnd {
  line: number;
  /** What the line would end `run` with. */
  exitCode: number;
  replayed: boolean;
  /** The line of output: the record with `replayed`, or, without one, `{line, job_id, error}`. */
  output: object;
  /** Why there is no result. */
  sentence?: string;
}

/** What a batch needs. */
export interface BatchOptions extends LineForm {
  jobs: Jobs;
  reachTemporal(): Promise<void>;
  concurrency: number;
  /** How long each job is waited for. */
  timeoutMs?: number;
  /** Stops taking lines, and waiting; the jobs go on. */
  signal: AbortSignal;
  /** Called when no more lines are wanted: somebody may be waiting for the next. */
  closeInput(): void;
}

/** While a part is away, a job is tried again after these waits; then the batch ends. */
const RETRY_WAITS_MS = [1_000, 2_000, 4_000, 8_000, 15_000, 30_000];

/** Runs one job a line, so many at once, and tells how each ended, in the order in which they end. */
export async function runJobs(
  lines: AsyncGenerator<Line>,
  options: BatchOptions,
  onEnd: (end: LineEnd, line: Line) => Promise<void>,
): Promise<void> {
  const batch = new Batch(options);
  const faults: unknown[] = [];
  const lane = async () => {
    for (;;) {
      if (batch.isStopped) return;
      const { value: line, done } = await lines.next();
      if (done) return;
      const end = await batch.runLine(line);
      if (!batch.isStopped) await onEnd(end, line);
    }
  };
  // all have left when this returns, so that nobody writes into an output that is being closed
  await Promise.all(
    Array.from({ length: options.concurrency }, () =>
      lane().catch((fault: unknown) => {
        faults.push(fault);
        batch.stop();
      }),
    ),
  );
  if (faults.length > 0 && !options.signal.aborted) throw faults[0];
}

class Batch {
  isStopped = false;
  /** Temporal has answered once; before that, its absence is no passing fault. */
  private hasReached = false;
  /** One a job that is waited for: a signal that outlives its jobs would gather them. */
  private readonly waits = new Set<AbortController>();
  /** The jobs under way by id: of two lines with one id the first is the first to be submitted. */
  private readonly underWay = new Map<string, Promise<LineEnd>>();

  constructor(private readonly options: BatchOptions) {
    options.signal.addEventListener('abort', () => this.stop(), { once: true });
    if (options.signal.aborted) this.stop();
  }

  stop(): void {
    if (this.isStopped) return;
    this.isStopped = true;
    this.options.closeInput();
    for (const wait of this.waits) wait.abort();
  }

  async runLine(line: Line): Promise<LineEnd> {
    const parsed = parseJobLine(line, this.options);
    if ('fault' in parsed) return badLine(line.number, parsed.jobId, 'invalid_line', parsed.fault);
    const { job } = parsed;
    for (let before = this.underWay.get(job.job_id); before; before = this.underWay.get(job.job_id)) {
      await before.catch(() => undefined);
    }
    const end = this.runUntilReached(line.number, job);
    this.underWay.set(job.job_id, end);
    try {
      return await end;
    } finally {
      this.underWay.delete(job.job_id);
    }
  }

  /** A part that is away for a moment does not end a batch of hours; to submit again is safe. */
  private async runUntilReached(line: number, job: JobInput): Promise<LineEnd> {
    for (const waitMs of RETRY_WAITS_MS) {
      try {
        return await this.runOnce(line, job);
      } catch (error) {
        if (!(error instanceof UnreachableError) || !this.hasReached || this.isStopped) throw error;
        if (waitMs === RETRY_WAITS_MS[0]) say(`${error.message} Trying again for a minute.`);
        await this.pause(waitMs);
      }
    }
    return this.runOnce(line, job);
  }

  private async runOnce(line: number, job: JobInput): Promise<LineEnd> {
    const { jobs, timeoutMs, reachTemporal } = this.options;
    const wait = new AbortController();
    this.waits.add(wait);
    try {
      const before = await jobs.get(job.job_id);
      if (!before || !isSettled(before.status)) {
        await reachTemporal();
        this.hasReached = true;
      }
      const isReplay = (record?: JobRecord) =>
        before !== null && isSettled(before.status) && before.token === record?.token;
      try {
        const record = (await jobs.run(job, { timeoutMs, signal: wait.signal })) as JobRecord;
        const replayed = isReplay(record);
        return { line, exitCode: EXIT.done, replayed, output: { ...record, replayed } };
      } catch (error) {
        return explain(line, error, isReplay);
      }
    } finally {
      this.waits.delete(wait);
    }
  }

  private async pause(ms: number): Promise<void> {
    const wait = new AbortController();
    this.waits.add(wait);
    await delay(ms, undefined, { signal: wait.signal }).catch(() => undefined);
    this.waits.delete(wait);
  }
}

/** A part is away, or a gateway does not take the key or know the task: the same for every line. */
const NOT_OF_JOB = [UnreachableError, ConfigError, UnknownTaskError];

/** A job's own end; what is no job's own is thrown on. */
function explain(line: number, error: unknown, isReplay: (record?: JobRecord) => boolean): LineEnd {
  if (!(error instanceof UserError) || NOT_OF_JOB.some((type) => error instanceof type)) throw error;
  const exitCode = exitCodeOf(error);
  const { jobId = null, record } = error instanceof JobError ? error : {};
  // the record of a mismatch is another input's
  if (!record || exitCode === EXIT.mismatch) {
    return { ...badLine(line, jobId, error.code, error.message), exitCode };
  }
  const replayed = isReplay(record);
  return { line, exitCode, replayed: false, output: { ...record, replayed }, sentence: error.message };
}

function badLine(line: number, jobId: string | null, code: string, message: string): LineEnd {
  const output = { line, job_id: jobId, error: { code, message } };
  return { line, exitCode: EXIT.usage, replayed: false, output, sentence: message };
}
