import type { OnceEvent } from '../../src/once/env';
import type { Policy } from '../../src/once/policy';
import type { JobActivities } from '../../src/workflows/contract';
import { makeContext } from './activity-context';
import { makeDeps } from './activity-deps';
import type { ActivityTask, Attempt } from './activity-task';
import type { Overrides, Sources } from './loader';
import { Proc } from './process';
import type { SimProvider } from './provider';
import { SimAbortController } from './signals';
import type { SimStore } from './store';
import type { Temporal } from './temporal';
import * as names from './temporal-names';
import type { World } from './world';

/** What a watcher is told of one attempt of `infer`. */
export interface InferAttempt {
  readonly attempt: Attempt;
  readonly proc: Proc;
  readonly key: string;
  isCanceled: boolean;
  isShutDown: boolean;
  /** Of its last claim: which call, since when, and when its lease ends, by the process's own clock. */
  claim: { call_id: string; token: number; at: number; leaseEnds: number } | null;
  /** Usable answers that came in, and how. */
  answers: Map<string, 'call' | 'look-up'>;
  /** Calls whose operation's id came in. */
  started: Set<string>;
}

export interface WorkerWatch {
  sending(infer: InferAttempt, callId: string): void;
  aborted(infer: InferAttempt, callId: string): void;
  /** A usable answer came into the living process, by the call itself or by a look-up. */
  reached(infer: InferAttempt, callId: string, how: 'call' | 'look-up'): void;
  /** The id of a call that the provider runs by itself came into the living process. */
  started(infer: InferAttempt, callId: string): void;
  /** The provider's word that a call failed came into the living process. */
  stated(): void;
  ended(infer: InferAttempt, error: unknown): void;
  event(infer: InferAttempt, event: OnceEvent): void;
}

export interface WorkerWorld {
  world: World;
  sources: Sources;
  temporal: Temporal;
  store: SimStore;
  provider: SimProvider;
  policy: Policy;
  heartbeatTimeoutMs: number;
  /** How often a report takes seconds on its way to Temporal. */
  slowReports: number;
  watch: WorkerWatch;
  atSeam(proc: Proc): void;
  atSend(proc: Proc): void;
  newCallId(): string;
  /** True where this worker's version of the task refuses that input. */
  refuses(worker: string, input: unknown): boolean;
}

/** A place where a worker process runs; another one is started after a crash. */
export class Worker {
  proc: Proc;
  /** Aborts when this process's shutdown has used up its grace. */
  private graceIsOver = new SimAbortController();
  /** What this process can't reach until then: Temporal, that is heartbeats and reports. */
  cutOffUntil = 0;
  private isStopping = false;
  private readonly running = new Set<{ cancel(details: Record<string, boolean>): void }>();
  private readonly activities: (deps: unknown) => JobActivities;
  private context: unknown;
  private starts = 0;

  constructor(
    readonly name: string,
    readonly outside: WorkerWorld,
  ) {
    this.proc = this.newProc();
    const overrides: Overrides = {
      '@temporalio/activity': { ...names.common, Context: { current: () => this.context } },
      '@temporalio/common': names.common,
      'node:crypto': { randomUUID: outside.newCallId },
    };
    // read when the activity begins, before it first waits: the process that it runs in
    const setInterval = (run: () => void, ms: number) => this.proc.ticker(ms, run);
    const clearInterval = (ticker?: { stop(): void }) => ticker?.stop();
    const load = outside.sources.bind(overrides, { setInterval, clearInterval });
    this.activities = load<{ createActivities(deps: unknown): JobActivities }>(
      'activities/index.ts',
    ).createActivities;
  }

  get polls(): boolean {
    return (
      !this.proc.isDead &&
      !this.proc.isFrozen &&
      !this.isStopping &&
      this.outside.world.now >= this.cutOffUntil
    );
  }

  private newProc(): Proc {
    this.starts += 1;
    const proc = new Proc(this.outside.world, `${this.name}.${this.starts}`);
    proc.atSeam = this.outside.atSeam;
    return proc;
  }

  crash(restartMs: number): void {
    if (this.proc.isDead) return;
    this.proc.crash();
    this.running.clear();
    this.outside.world.after(restartMs, () => {
      this.isStopping = false;
      this.graceIsOver = new SimAbortController();
      this.proc = this.newProc();
      this.outside.world.log(this.proc.name, () => 'starts');
    });
  }

  /** A deploy: no new work, then, after the grace, an end to what is still under way. */
  shutDown(graceMs: number, restartMs: number): void {
    const { proc } = this;
    if (proc.isDead || this.isStopping) return;
    this.isStopping = true;
    this.outside.world.log(proc.name, () => 'shuts down');
    proc.timer(graceMs, () => {
      for (const attempt of this.running) attempt.cancel({ workerShutdown: true });
      this.graceIsOver.abort();
      proc.timer(5000, () => {
        if (this.proc === proc) this.crash(restartMs);
      });
    });
  }

  attempt(task: ActivityTask, number: number): Attempt {
    const { world } = this.outside;
    return { number, task, proc: this.proc, lastBeat: world.now, cancel: () => undefined };
  }

  execute(attempt: Attempt): void {
    const { task, proc } = attempt;
    proc.enter(() => {
      this.outside.world.log(proc.name, () => `${task.run.id} ${task.name} #${attempt.number} begins`);
      const infer: InferAttempt = {
        attempt,
        proc,
        key: task.run.key,
        isCanceled: false,
        isShutDown: false,
        claim: null,
        answers: new Map(),
        started: new Set(),
      };
      const activities = this.activities(makeDeps(this.outside, infer, this.graceIsOver.signal));
      this.context = makeContext(infer, this, this.outside.heartbeatTimeoutMs);
      this.running.add(attempt);
      const run = activities[task.name as keyof JobActivities] as (arg: unknown) => Promise<unknown>;
      run(task.arg).then(
        (value) => this.report(infer, { value }),
        (error) => this.report(infer, { error }),
      );
    });
  }

  private report(infer: InferAttempt, end: { value: unknown } | { error: Error }): void {
    const { attempt, proc } = infer;
    this.running.delete(attempt);
    if (proc.isDead) return;
    this.outside.watch.ended(infer, 'error' in end ? end.error : undefined);
    this.toServer(proc, () => attempt.task.report(attempt, end));
  }

  /** A message to Temporal: while the process is cut off it waits, as the SDK tries again. */
  toServer(proc: Proc, arrive: () => void): void {
    const { world } = this.outside;
    const wait = Math.max(0, this.cutOffUntil - world.now);
    const isSlow = world.stormy && world.rng.chance(this.outside.slowReports);
    if (wait === 0) world.after(isSlow ? world.rng.between(500, 8000) : world.rng.between(1, 30), arrive);
    else world.after(wait + world.rng.between(1, 1000), () => !proc.isDead && arrive());
  }
}
