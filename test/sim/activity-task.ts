import type { Proc } from './process';
import { ApplicationFailure, CancelledFailure, TimeoutFailure } from './temporal-names';
import type { SimRun } from './workflow-run';
import type { Timer } from './world';

export interface ActivityOptions {
  startToCloseTimeout: number | string;
  heartbeatTimeout?: number;
  retry?: { initialInterval?: string; maximumInterval?: string };
}

export type ActivityEnd = { value: unknown } | { error: Error };

/** One try of an activity on one worker. */
export interface Attempt {
  readonly number: number;
  readonly task: ActivityTask;
  readonly proc: Proc;
  lastBeat: number;
  /** Told to the activity as Temporal's `context.cancelled`. */
  cancel(details: Record<string, boolean>): void;
}

const SECONDS: Record<string, number> = { second: 1, seconds: 1, minute: 60, minutes: 60 };

/** `'1 minute'` or milliseconds, in ms. */
export function toMs(duration: number | string | undefined, otherwise: number): number {
  if (typeof duration === 'number') return duration;
  const [count, unit] = (duration ?? '').split(' ');
  return unit && SECONDS[unit] ? Number(count) * SECONDS[unit] * 1000 : otherwise;
}

/** A scheduled activity: tried until it ends, its time-outs kept by the server. */
export class ActivityTask {
  heartbeatDetails: unknown;
  isCancelRequested = false;
  private attempts = 0;
  private current: Attempt | null = null;
  private waiting: Timer | null = null;
  private isOver = false;

  constructor(
    readonly run: SimRun,
    readonly name: string,
    readonly arg: unknown,
    private readonly options: ActivityOptions,
    readonly isCancellable: boolean,
    private readonly onEnd: (end: ActivityEnd) => void,
  ) {}

  private get temporal() {
    return this.run.temporal;
  }

  schedule(delayMs: number): void {
    this.waiting = this.temporal.world.after(delayMs + this.temporal.world.rng.between(1, 50), () =>
      this.dispatch(),
    );
  }

  /** The run has closed: nobody waits for this any more; an attempt under way learns it by its heartbeat. */
  abandon(): void {
    this.isOver = true;
    this.current = null;
    this.waiting?.cancel();
  }

  requestCancel(): void {
    if (this.isOver || this.isCancelRequested) return;
    this.isCancelRequested = true;
    if (!this.current) this.finish({ error: new CancelledFailure('cancelled before it ran') });
  }

  private dispatch(): void {
    if (this.isOver) return;
    const worker = this.temporal.pickWorker();
    if (!worker) {
      this.waiting = this.temporal.world.after(500, () => this.dispatch());
      return;
    }
    this.waiting = null;
    this.attempts += 1;
    const { world } = this.temporal;
    const attempt = worker.attempt(this, this.attempts);
    this.current = attempt;
    this.watchHeartbeat(attempt);
    world.after(toMs(this.options.startToCloseTimeout, 600_000), () =>
      this.timeOut(attempt, 'start to close'),
    );
    worker.execute(attempt);
  }

  private watchHeartbeat(attempt: Attempt): void {
    const { heartbeatTimeout } = this.options;
    if (heartbeatTimeout === undefined) return;
    const { world } = this.temporal;
    const check = (): void => {
      if (this.current !== attempt) return;
      const left = attempt.lastBeat + heartbeatTimeout - world.now;
      if (left <= 0) this.timeOut(attempt, 'heartbeat');
      else world.after(left, check);
    };
    world.after(heartbeatTimeout, check);
  }

  private timeOut(attempt: Attempt, what: string): void {
    if (this.current !== attempt) return;
    this.temporal.world.log(this.run.id, () => `${this.name} #${attempt.number} timed out (${what})`);
    this.retry(new TimeoutFailure(`${what} time-out`), attempt.number);
  }

  /** A heartbeat as the server takes it. */
  beat(attempt: Attempt, details: unknown): 'ok' | 'cancel' | 'not found' {
    if (this.isOver || this.current !== attempt) return 'not found';
    attempt.lastBeat = this.temporal.world.now;
    this.heartbeatDetails = details;
    return this.isCancelRequested ? 'cancel' : 'ok';
  }

  /** An attempt's report; of an attempt that was given up it changes nothing. */
  report(attempt: Attempt, end: ActivityEnd): void {
    if (this.isOver || this.current !== attempt) return;
    if ('value' in end || this.isFinal(end.error)) {
      this.finish(end);
      return;
    }
    const { error } = end;
    const wished = error instanceof ApplicationFailure ? error.nextRetryDelay : undefined;
    this.retry(error, attempt.number, wished === undefined ? undefined : toMs(wished, 1000));
  }

  private isFinal(error: Error): boolean {
    if (error instanceof ApplicationFailure && error.nonRetryable) return true;
    return error instanceof CancelledFailure && this.isCancelRequested;
  }

  private retry(error: Error, number: number, wished?: number): void {
    this.current = null;
    // the server tries no activity again whose cancel was asked for
    if (this.isCancelRequested) {
      this.finish({ error });
      return;
    }
    const first = toMs(this.options.retry?.initialInterval, 1000);
    const most = toMs(this.options.retry?.maximumInterval, 100_000);
    this.schedule(wished ?? Math.min(most, first * 2 ** Math.min(number - 1, 20)));
  }

  private finish(end: ActivityEnd): void {
    this.isOver = true;
    this.current = null;
    this.waiting?.cancel();
    this.onEnd(end);
  }
}
