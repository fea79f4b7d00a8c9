import type { Clock } from '../../src/once/clock';
import type { SimSignal } from './signals';
import type { Timer, World } from './world';

/** A timer handle as the simulated `setInterval` gives it. */
export interface Ticker {
  stop(): void;
}

/**
 * One operating-system process. Whatever comes in from outside (a reply, a timer) passes `enter`: a dead
 * process never goes on from there, a frozen one goes on when it thaws.
 */
export class Proc {
  isDead = false;
  isFrozen = false;
  /** When it last saw the store: what it asks of Temporal next rests on that. */
  lookedAt = Number.POSITIVE_INFINITY;
  /** Told of each thing that comes in; may crash or freeze the process at that very point. */
  atSeam: ((proc: Proc) => void) | null = null;
  /** It can't reach the store until then. */
  noStoreUntil = 0;
  private held: (() => void)[] = [];
  private readonly skew: number;
  private readonly startedAt: number;
  private sleptMs = 0;
  private frozenAt = 0;

  constructor(
    readonly world: World,
    readonly name: string,
  ) {
    this.startedAt = world.now;
    this.skew = 1 + (world.rng.next() - 0.5) / 50;
  }

  /** Runs `go` inside the process: now, when it thaws, or never. */
  enter(go: () => void): void {
    if (this.isDead) return;
    if (!this.isFrozen) this.atSeam?.(this);
    if (this.isDead) return;
    if (this.isFrozen) this.held.push(go);
    else go();
  }

  /** A question to the outside: its answer comes in through `enter`, once. */
  ask<T>(begin: (resolve: (value: T) => void, reject: (error: unknown) => void) => void): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (this.isDead) return;
      begin(
        (value) => this.enter(() => resolve(value)),
        (error) => this.enter(() => reject(error)),
      );
    });
  }

  crash(): void {
    if (this.isDead) return;
    this.isDead = true;
    this.held = [];
    this.world.log(this.name, () => 'crashes');
  }

  /** Stops the process; with `sleeps` its monotonic clock stands still too, as on a suspended machine. */
  freeze(ms: number, sleeps: boolean): void {
    if (this.isDead || this.isFrozen) return;
    this.isFrozen = true;
    this.frozenAt = this.world.now;
    this.world.log(
      this.name,
      () => `freezes for ${(ms / 1000).toFixed(1)} s${sleeps ? ', its clock too' : ''}`,
    );
    this.world.after(ms, () => this.thaw(sleeps));
  }

  thaw(sleeps = false): void {
    if (this.isDead || !this.isFrozen) return;
    this.isFrozen = false;
    if (sleeps) this.sleptMs += this.world.now - this.frozenAt;
    this.world.log(this.name, () => 'thaws');
    const held = this.held;
    this.held = [];
    // each in a step of its own, as an event loop takes them
    for (const go of held) this.world.after(0, () => this.enter(go));
  }

  monotonic(): number {
    const frozen = this.isFrozen ? this.frozenAt : this.world.now;
    return (frozen - this.startedAt - this.sleptMs) * this.skew;
  }

  timer(ms: number, run: () => void): Timer {
    return this.world.after(ms / this.skew, () => this.enter(run));
  }

  /** A tick that comes while the process is frozen waits for it; those after it are left out. */
  ticker(ms: number, run: () => void): Ticker {
    let isStopped = false;
    let timer: Timer;
    const arm = (): void => {
      timer = this.timer(ms, () => {
        if (isStopped) return;
        arm();
        run();
      });
    };
    arm();
    return {
      stop() {
        isStopped = true;
        timer.cancel();
      },
    };
  }

  sleep(ms: number, signal?: SimSignal): Promise<void> {
    return new Promise((done) => {
      if (signal?.aborted) return done();
      const onAbort = (): void => {
        timer.cancel();
        done();
      };
      const timer = this.timer(ms, () => {
        signal?.removeEventListener('abort', onAbort);
        done();
      });
      signal?.addEventListener('abort', onAbort);
    });
  }

  /** The clock that the core is given. */
  clock(): Clock {
    return {
      monotonic: () => this.monotonic(),
      sleep: (ms, signal) => this.sleep(ms, signal as unknown as SimSignal),
      every: (ms, run) => {
        const ticker = this.ticker(ms, run);
        return () => ticker.stop();
      },
    };
  }
}
