import type { JobArgument } from '../../src/job';
import { type StartOptions, WorkflowExecutionAlreadyStartedError } from './temporal-names';
import type { Worker } from './worker';
import { SimRun } from './workflow-run';
import type { World } from './world';

/** Told what runs do. */
export interface TemporalWatch {
  scheduled(run: SimRun, activity: string): void;
  learned(run: SimRun, activity: string): void;
  closed(run: SimRun): void;
}

type WorkflowModule = typeof import('../../src/workflows/inference-job');

/** The server: one open run an id, reuse after failures only, activities tried on any worker. */
export class Temporal {
  readonly workers: Worker[] = [];
  awayUntil = 0;
  private readonly runs = new Map<string, SimRun[]>();
  private count = 0;

  constructor(
    readonly world: World,
    readonly watch: TemporalWatch,
    readonly loadWorkflow: (api: Record<string, unknown>) => WorkflowModule,
  ) {}

  latest(key: string): SimRun | undefined {
    return this.runs.get(key)?.at(-1);
  }

  all(): SimRun[] {
    return [...this.runs.values()].flat();
  }

  find(key: string, runId: string | undefined): SimRun | undefined {
    return runId === undefined ? this.latest(key) : this.runs.get(key)?.find((run) => run.id === runId);
  }

  forgetRun(key: string, runId: string): void {
    const runs = this.runs.get(key);
    if (runs)
      this.runs.set(
        key,
        runs.filter((run) => run.id !== runId || run.isOpen),
      );
  }

  /** @throws WorkflowExecutionAlreadyStartedError where one is open, or the reuse policy refuses */
  start(start: StartOptions, askedAt: number): SimRun {
    const { workflowId: key, workflowIdReusePolicy: reuse, memo = {} } = start;
    const last = this.latest(key);
    if (last && (last.isOpen || last.status === 'COMPLETED' || reuse === 'REJECT_DUPLICATE')) {
      throw new WorkflowExecutionAlreadyStartedError(`${key} has run ${last.id}, ${last.status}`);
    }
    return this.open(key, start.args[0] as JobArgument, memo, askedAt);
  }

  open(key: string, arg: JobArgument, memo: Record<string, unknown>, askedAt: number): SimRun {
    this.count += 1;
    const run = new SimRun(this, `run${this.count}`, key, arg, memo, askedAt);
    this.runs.set(key, [...(this.runs.get(key) ?? []), run]);
    this.world.log(run.id, () => `starts for ${key}: ${JSON.stringify(arg)}`);
    run.begin();
    return run;
  }

  /** An operator's Reset: the same argument again, and the updates that had been accepted. */
  reset(key: string): void {
    const last = this.latest(key);
    if (!last) return;
    last.terminate();
    const run = this.open(key, last.arg, last.startMemo, last.askedAt);
    const ignore = (): void => undefined;
    for (const request of last.accepted) {
      this.world.after(this.world.rng.between(0, 100), () =>
        run.update({ request, resolve: ignore, reject: ignore }),
      );
    }
  }

  /** A worker that takes tasks now. */
  pickWorker(): Worker | undefined {
    const ready = this.workers.filter((worker) => worker.polls);
    return ready.length > 0 ? this.world.rng.pick(ready) : undefined;
  }
}
