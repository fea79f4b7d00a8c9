import { EventEmitter, once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { UserError } from '../../errors';
import { type Part, startWorkerProcess, type WorkerEnd, type WorkerProcess } from './worker-process';

/** A worker that can't even start so many times in a row is not started again. */
const MAX_FAILED_STARTS = 3;
const BACKOFF_MS = 500;
/** What `infer-once` ends with where it was set up wrongly, which no restart mends. */
const USAGE_EXIT = 2;

/** What a pool needs. */
export interface WorkerPoolOptions {
  part: Part;
  workers: number;
  /** By place, from 0. */
  env(place: number): NodeJS.ProcessEnv;
  /** Every line that a worker writes on stderr. */
  onLine(line: string): void;
  /** A worker ended; another takes its place. */
  onDeath(pid: number, end: WorkerEnd): void;
}

/** One of so many places, with the process that is there now. */
interface Place {
  index: number;
  worker: WorkerProcess;
  isReady: boolean;
}

/** So many processes of a part, each replaced when it dies. */
export class WorkerPool {
  /** Resolves with the reason when a worker can't be replaced. */
  readonly failed: Promise<UserError>;
  /** The provider's host, as the workers name it; empty until the first is ready. */
  provider = '';
  /** The gateway's address; empty until it listens. */
  url = '';
  private readonly places: Place[] = [];
  private readonly held: Promise<void>[] = [];
  private readonly stopping = new AbortController();
  private readonly news = new EventEmitter();

  constructor(private readonly options: WorkerPoolOptions) {
    this.failed = once(this.news, 'failed').then(([reason]) => reason as UserError);
    for (let index = 0; index < options.workers; index += 1) {
      const place: Place = { index, worker: this.start(index), isReady: false };
      this.places.push(place);
      this.held.push(this.hold(place));
    }
  }

  /** The processes that are there now. */
  get workers(): { pid: number; isReady: boolean }[] {
    return this.places.map(({ worker, isReady }) => ({ pid: worker.pid, isReady }));
  }

  /** Resolves when every place has a worker that polls. @throws UserError where one can't be replaced */
  async untilReady(): Promise<void> {
    const failed = this.failed.then((reason) => Promise.reject(reason));
    while (!this.places.every(({ isReady }) => isReady)) {
      await Promise.race([once(this.news, 'ready'), failed]);
    }
    // nobody waits for it any more
    failed.catch(() => undefined);
  }

  /** Kills a worker as a crash would; resolves when it is dead. Another takes its place. */
  async kill(index = 0): Promise<void> {
    const place = this.places[index]!;
    const { worker } = place;
    place.isReady = false;
    worker.kill('SIGKILL');
    await worker.ended;
  }

  /** Ends all, each as soon as its calls in flight allow. Calling it again kills what is left. */
  async stop(): Promise<void> {
    const signal = this.stopping.signal.aborted ? 'SIGKILL' : 'SIGTERM';
    this.stopping.abort();
    for (const { worker } of this.places) worker.kill(signal);
    await Promise.all(this.held);
  }

  /** Keeps a worker in the place until the pool stops or the worker can't start any more. */
  private async hold(place: Place): Promise<void> {
    const { signal } = this.stopping;
    for (let failures = 0; ; place.worker = this.start(place.index)) {
      const { worker } = place;
      const told = await worker.ready;
      if (told) {
        this.provider = told.provider;
        this.url = told.url ?? '';
        place.isReady = true;
        this.news.emit('ready');
      }
      const end = await worker.ended;
      place.isReady = false;
      if (signal.aborted) return;
      failures = told ? 0 : failures + 1;
      if (failures === MAX_FAILED_STARTS || (failures > 0 && end.code === USAGE_EXIT)) {
        this.news.emit('failed', explain(this.options.part, end, failures));
        return;
      }
      this.options.onDeath(worker.pid, end);
      const pause = failures && BACKOFF_MS * 2 ** failures;
      await delay(pause, undefined, { signal }).catch(() => undefined);
      if (signal.aborted) return;
    }
  }

  private start(index: number): WorkerProcess {
    const { part, env, onLine } = this.options;
    return startWorkerProcess(part, env(index), onLine);
  }
}

function explain(part: Part, end: WorkerEnd, starts: number): UserError {
  const how = end.signal ? `signal ${end.signal}` : `code ${end.code}`;
  const message =
    end.sentence ?? `The ${part} ended with ${how} before it was ready, ${starts} times in a row.`;
  return new UserError(message, { code: end.code === USAGE_EXIT ? 'config_invalid' : `${part}_failed` });
}
