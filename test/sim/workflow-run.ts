import type { JobArgument, JobRecord } from '../../src/job';
import type { ResolveRequest } from '../../src/workflows/contract';
import { type ActivityOptions, ActivityTask } from './activity-task';
import type { Temporal } from './temporal';
import * as names from './temporal-names';

export type RunStatus = 'RUNNING' | 'COMPLETED' | 'FAILED' | 'CANCELLED' | 'TERMINATED' | 'CONTINUED_AS_NEW';

/** An update as it was asked for; a Reset asks the new run again. */
export interface Update {
  request: ResolveRequest;
  resolve(record: JobRecord): void;
  reject(error: Error): void;
}

interface Condition {
  holds: () => boolean;
  isCancellable: boolean;
  resolve(value: boolean): void;
  reject(error: Error): void;
}

/** One run of the production workflow, as a durable state machine: worker crashes do not touch it. */
export class SimRun {
  status: RunStatus = 'RUNNING';
  result: JobRecord | undefined;
  failure: Error | undefined;
  isCancelRequested = false;
  /** What it continued as. */
  next: SimRun | undefined;
  readonly accepted: ResolveRequest[] = [];
  private readonly handlers = new Map<string, (arg?: unknown) => unknown>();
  private validate: (request: ResolveRequest) => void = () => undefined;
  private readonly conditions = new Set<Condition>();
  private readonly tasks = new Set<ActivityTask>();
  private readonly closed: (() => void)[] = [];
  private readonly unanswered = new Set<Update>();
  /** The record's token when this run last learned of its job. */
  knownToken = 0;
  memo: Record<string, unknown>;
  private handling = 0;
  private isShielded = false;
  private isBegun = false;
  private isTooLong = false;
  private readonly early: (() => void)[] = [];

  constructor(
    readonly temporal: Temporal,
    readonly id: string,
    readonly key: string,
    readonly arg: JobArgument,
    /** As it was started with; what the run adds is its own. */
    readonly startMemo: Record<string, unknown>,
    /** When whoever asked for it last saw the store. */
    readonly askedAt: number,
  ) {
    this.memo = startMemo;
  }

  get isOpen(): boolean {
    return this.status === 'RUNNING';
  }

  begin(): void {
    const { inferenceJob } = this.temporal.loadWorkflow(this.api());
    this.task(() => {
      this.isBegun = true;
      inferenceJob(this.arg).then(
        (record: JobRecord) => this.end('COMPLETED', record),
        (error: Error) => this.endBy(error),
      );
      for (const act of this.early.splice(0)) this.activate(act);
    });
  }

  /** A workflow task: does one thing that came in, then looks at every condition. */
  activate(act: () => void): void {
    if (this.isBegun) this.task(act);
    else this.early.push(act);
  }

  private task(act: () => void): void {
    const { world } = this.temporal;
    world.after(world.rng.between(1, 60), () => {
      if (!this.isOpen) return;
      act();
      world.after(0, () => this.checkConditions());
    });
  }

  private checkConditions(): void {
    if (!this.isOpen) return;
    for (const condition of [...this.conditions]) {
      if (!condition.holds()) continue;
      this.conditions.delete(condition);
      condition.resolve(true);
    }
  }

  requestCancel(): void {
    this.activate(() => {
      if (this.isCancelRequested) return;
      this.isCancelRequested = true;
      for (const condition of [...this.conditions]) {
        if (!condition.isCancellable) continue;
        this.conditions.delete(condition);
        condition.reject(new names.CancelledFailure('the wait was cancelled'));
      }
      for (const task of this.tasks) if (task.isCancellable) task.requestCancel();
    });
  }

  signal(name: string): void {
    this.activate(() => this.handlers.get(name)?.());
  }

  query(name: string): unknown {
    return this.handlers.get(name)?.();
  }

  update(update: Update): void {
    this.unanswered.add(update);
    const answer = (tell: () => void): void => {
      if (this.unanswered.delete(update)) tell();
    };
    this.activate(() => {
      try {
        this.validate(update.request);
      } catch (error) {
        return answer(() => update.reject(new names.WorkflowUpdateFailedError(error as Error)));
      }
      this.accepted.push(update.request);
      this.handling += 1;
      const handled = this.handlers.get('resolve')!(update.request) as Promise<JobRecord>;
      handled
        .then(
          (record) => answer(() => update.resolve(record)),
          (error) => answer(() => update.reject(new names.WorkflowUpdateFailedError(error))),
        )
        .finally(() => {
          this.handling -= 1;
          this.temporal.world.after(0, () => this.checkConditions());
        });
    });
  }

  /** Resolves when the run has closed. */
  onClosed(tell: () => void): void {
    if (this.isOpen) this.closed.push(tell);
    else tell();
  }

  terminate(): void {
    if (this.isOpen) this.end('TERMINATED');
  }

  private endBy(error: Error): void {
    if (error instanceof names.ContinueAsNew) {
      this.next = this.temporal.open(this.key, error.arg as JobArgument, this.memo, this.askedAt);
      this.end('CONTINUED_AS_NEW');
    } else {
      this.end(names.isCancellation(error) ? 'CANCELLED' : 'FAILED', undefined, error);
    }
  }

  private end(status: RunStatus, result?: JobRecord, failure?: Error): void {
    if (!this.isOpen) return;
    this.status = status;
    this.result = result;
    this.failure = failure;
    this.temporal.world.log(this.id, () => `closes ${status}${failure ? ` (${failure.message})` : ''}`);
    for (const task of this.tasks) task.abandon();
    this.temporal.watch.closed(this);
    for (const update of this.unanswered)
      update.reject(new names.WorkflowNotFoundError('the run has closed'));
    this.unanswered.clear();
    for (const tell of this.closed.splice(0)) tell();
  }

  private schedule(name: string, arg: unknown, options: ActivityOptions): Promise<unknown> {
    const isCancellable = !this.isShielded;
    if (isCancellable && this.isCancelRequested) {
      return Promise.reject(new names.CancelledFailure('cancelled before it was scheduled'));
    }
    return new Promise((resolve, reject) => {
      const task = new ActivityTask(this, name, arg, options, isCancellable, (end) => {
        this.tasks.delete(task);
        this.activate(() => {
          if ('error' in end) return reject(new names.ActivityFailure(end.error));
          this.temporal.watch.learned(this, name);
          resolve(end.value);
        });
      });
      this.tasks.add(task);
      this.temporal.watch.scheduled(this, name);
      task.schedule(0);
    });
  }

  private condition(holds: () => boolean, ms?: number): Promise<boolean> {
    const isCancellable = !this.isShielded;
    if (isCancellable && this.isCancelRequested) {
      return Promise.reject(new names.CancelledFailure('the wait was cancelled'));
    }
    if (holds()) return Promise.resolve(true);
    return new Promise((resolve, reject) => {
      const condition: Condition = { holds, isCancellable, resolve, reject };
      this.conditions.add(condition);
      if (ms === undefined) return;
      this.temporal.world.after(ms, () => {
        this.activate(() => {
          if (this.conditions.delete(condition)) resolve(false);
        });
      });
    });
  }

  /** `@temporalio/workflow`, bound to this run. */
  private api(): Record<string, unknown> {
    const define = (name: string) => ({ name });
    return {
      ...names.common,
      ActivityCancellationType: { WAIT_CANCELLATION_COMPLETED: 'WAIT_CANCELLATION_COMPLETED' },
      isCancellation: names.isCancellation,
      allHandlersFinished: () => this.handling === 0,
      condition: (holds: () => boolean, ms?: number) => this.condition(holds, ms),
      CancellationScope: {
        nonCancellable: <T>(run: () => Promise<T>) => this.shield(run),
        current: () => ({ consideredCancelled: this.isCancelRequested && !this.isShielded }),
      },
      continueAsNew: (arg: unknown) => Promise.reject(new names.ContinueAsNew(arg)),
      defineQuery: define,
      defineSignal: define,
      defineUpdate: define,
      proxyActivities: (options: ActivityOptions) =>
        new Proxy({}, { get: (_, name: string) => (arg: unknown) => this.schedule(name, arg, options) }),
      setCurrentDetails: () => undefined,
      setHandler: (
        { name }: { name: string },
        handle: (arg?: unknown) => unknown,
        options?: { validator?: (request: ResolveRequest) => void },
      ) => {
        this.handlers.set(name, handle);
        if (options?.validator) this.validate = options.validator;
      },
      upsertMemo: (memo: Record<string, unknown>) => {
        this.memo = { ...this.memo, ...memo };
      },
      upsertSearchAttributes: () => undefined,
      workflowInfo: () => ({
        workflowId: this.key,
        memo: this.memo,
        startTime: new Date(0),
        continueAsNewSuggested: this.isLong(),
      }),
    };
  }

  /** Some runs have a history that is too long, from some moment on. */
  private isLong(): boolean {
    const { stormy, rng } = this.temporal.world;
    this.isTooLong ||= stormy && rng.chance(0.15);
    return this.isTooLong;
  }

  private shield<T>(run: () => Promise<T>): Promise<T> {
    this.isShielded = true;
    try {
      return run();
    } finally {
      this.isShielded = false;
    }
  }
}
