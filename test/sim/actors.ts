import type { JobClient } from '../../src/client/job-client';
import type { JobRecord } from '../../src/job';
import { createClient, type FrontendTrouble } from './client-api';
import type { Sources } from './loader';
import { Proc } from './process';
import { SimSignal } from './signals';
import type { SimStore } from './store';
import type { Temporal } from './temporal';
import * as names from './temporal-names';
import type { Watch } from './watch';
import type { Timer, World } from './world';

type Errors = typeof import('../../src/errors');
type SharedSubmitsModule = typeof import('../../src/client/shared-submits');

export interface ActorsWorld {
  world: World;
  sources: Sources;
  temporal: Temporal;
  store: SimStore;
  watch: Watch;
  frontend: FrontendTrouble;
}

/** Everybody who asks something of jobs: each acts in a process of its own, through the production client. */
export class Actors {
  private readonly callers = new Set<Proc>();
  private readonly Client: typeof JobClient;
  private readonly errors: Errors;
  private count = 0;

  readonly world: World;

  constructor(readonly outside: ActorsWorld) {
    const { world, sources } = outside;
    this.world = world;
    const sleep = (ms: number, _: unknown, { signal }: { signal?: SimSignal } = {}): Promise<void> =>
      new Promise((done) => {
        const timer = world.after(ms, done);
        signal?.addEventListener('abort', () => {
          timer.cancel();
          done();
        });
      });
    const timeout = (ms: number): SimSignal => {
      const signal = new SimSignal();
      world.after(ms, () => signal.fire(new Error('time-out')));
      return signal;
    };
    const load = sources.bind(
      {
        '@temporalio/client': names.client,
        '@temporalio/common': names.common,
        'node:timers': {
          setTimeout: (run: () => void, ms: number) => world.after(ms, run),
          clearTimeout: (timer: Timer) => timer.cancel(),
        },
        'node:timers/promises': { setTimeout: sleep },
        // a limit on listeners, which a simulated signal has not
        'node:events': { setMaxListeners: () => undefined },
        'client/search-attributes.ts': { hasSearchAttributes: async () => false },
      },
      { AbortSignal: { any: SimSignal.any, timeout } },
    );
    this.Client = load<{ JobClient: typeof JobClient }>('client/job-client.ts').JobClient;
    this.noteAcknowledged(load<SharedSubmitsModule>('client/shared-submits.ts').SharedSubmits);
    this.errors = sources.core<Errors>('errors.ts');
  }

  /** Once the client in a living process has its submission taken, the job must not be lost, whoever dies next. */
  private noteAcknowledged({ prototype }: SharedSubmitsModule['SharedSubmits']): void {
    const { watch } = this.outside;
    const { submit } = prototype;
    prototype.submit = async function (seed) {
      const answer = await submit.call(this, seed);
      watch.count('acknowledged');
      watch.seen.push({ type: 'acknowledged', job: seed.key, by: 'a client' });
      return answer;
    };
  }

  /** How many callers still wait. */
  get waiting(): number {
    return [...this.callers].filter((proc) => !proc.isDead).length;
  }

  /** A process of its own, and the client in it. `bare` has no store. */
  open(role: string, bare = false): { proc: Proc; jobs: JobClient } {
    this.count += 1;
    const { world, store, temporal, frontend } = this.outside;
    const proc = new Proc(world, `${role}${this.count}`);
    const client = createClient(temporal, proc, frontend) as never;
    return { proc, jobs: new this.Client({ client, store: bare ? undefined : store.connect({ proc }) }) };
  }

  /** Does something in a process of its own and says how it ended; what can't be an answer is a violation. */
  async act<T>(role: string, proc: Proc, what: string, run: () => Promise<T>): Promise<T | Error> {
    const { world, watch } = this.outside;
    world.log(proc.name, () => what);
    watch.count(role);
    try {
      const value = await run();
      world.log(proc.name, () => `${what}: ${summary(value)}`);
      return value;
    } catch (error) {
      world.log(proc.name, () => `${what}: ${(error as Error).name}: ${(error as Error).message}`);
      const isOurs =
        error instanceof this.errors.UserError ||
        error instanceof names.ServiceError ||
        error instanceof names.WorkflowNotFoundError ||
        (error as Error).message === 'time-out';
      if (!isOurs) watch.violated('error', `${what} ended by ${(error as Error).stack}`);
      return error as Error;
    }
  }

  /** Submits and waits, again where something was away: a queue that delivers until it is answered. */
  async submitter(key: string, input: string, bare: boolean, crashAt: number): Promise<void> {
    const { world } = this.outside;
    const { proc, jobs } = this.open('submitter', bare);
    crashAfter(proc, crashAt);
    this.callers.add(proc);
    const job = { job_id: key, task: 'sim', input: { name: input } };
    for (let tries = 0; ; tries++) {
      const answer = await this.act('submits', proc, `run ${key} with ${input}`, () => jobs.run(job));
      if (!(answer instanceof this.errors.UnreachableError) || tries > 50) {
        this.tell(key, input, answer);
        break;
      }
      await proc.sleep(world.rng.between(500, 5000));
    }
    this.callers.delete(proc);
  }

  /** A bare Temporal client in any language: no store, no memo, no permit. */
  bareStart(key: string, input: string): void {
    const { world, temporal, watch } = this.outside;
    watch.count('bare starts');
    try {
      temporal.start({ workflowId: key, args: [{ task: 'sim', input: { name: input } }] }, world.now);
    } catch (error) {
      if (!(error instanceof names.WorkflowExecutionAlreadyStartedError)) throw error;
    }
  }

  async retry(key: string): Promise<void> {
    const { proc, jobs } = this.open('retrier');
    if (!this.outside.store.row(key)) return;
    await this.act('retries', proc, `retry ${key}`, () => jobs.retry(key));
  }

  async cancel(key: string): Promise<void> {
    const { world, store, watch } = this.outside;
    const { proc, jobs } = this.open('canceler');
    const askedAt = world.now;
    const answer = await this.act('cancels', proc, `cancel ${key}`, () => jobs.cancel(key));
    const row = store.row(key);
    if (answer instanceof Error || !row || !['CANCELED', 'FAILED'].includes(answer.status)) return;
    watch.ghost(key).cancels.push({ askedAt, doneAt: world.now, generation: row.generation });
  }

  /** Erases the job; with `cancels` whatever it is doing. */
  async forget(key: string, cancels: boolean): Promise<void> {
    if (cancels) await this.cancel(key);
    const { proc, jobs } = this.open('forgetter');
    await this.act('forgets', proc, `forget ${key}`, () => jobs.forget(key));
  }

  async repair(): Promise<void> {
    const { proc, jobs } = this.open('doctor');
    await this.act('repairs', proc, 'repair', async () => {
      for await (const job of jobs.repair(20_000)) this.outside.watch.count(`repaired ${job.started}`);
    });
  }

  private tell(key: string, input: string, answer: JobRecord | Error): void {
    const { watch } = this.outside;
    const { code, record } = (answer instanceof Error ? answer : { record: answer }) as {
      code?: string;
      record?: JobRecord;
    };
    watch.count(`told ${answer instanceof Error ? (code ?? answer.message) : 'the result'}`);
    if (!(answer instanceof Error)) this.checkAnswer(key, input, answer);
    if (!record || code === 'input_mismatch') return;
    watch.seen.push({
      type: 'answered',
      job: key,
      by: 'a client',
      submitted: watch.ghost(key).digestOf(input),
      record,
    });
  }

  /** What a caller is given is the job's one result, and the answer to the caller's own input. */
  private checkAnswer(key: string, input: string, { status, result }: JobRecord): void {
    if (status !== 'COMPLETED') return;
    const { watch, store } = this.outside;
    const { of } = result as { of?: string };
    if (of !== input) watch.violated('I4', `whoever asked ${key} for ${input} was given the answer to ${of}`);
    const row = store.row(key);
    const isKept = row?.result && 'json' in row.result && row.result.json === JSON.stringify(result);
    if (!isKept && row?.status !== 'FORGOTTEN')
      watch.violated('I2', `a caller of ${key} was given another result`);
  }
}

/** Ends the process at the n-th thing that comes into it; 0 = never. */
function crashAfter(proc: Proc, nth: number): void {
  let left = nth;
  if (nth === 0) return;
  proc.atSeam = () => {
    left -= 1;
    if (left === 0) proc.crash();
  };
}

function summary(value: unknown): string {
  const { status, token } = (value ?? {}) as Partial<JobRecord>;
  return status ? `${status}/${token}` : String(value);
}
