import { isSettled } from '../../src/job';
import type { Change, Decide, ResultStore, StoredJob } from '../../src/store/store';
import type { Proc } from './process';
import type { InferAttempt } from './worker';
import type { World } from './world';

/** Who writes: told to the watcher with each commit. */
export interface Writer {
  proc: Proc;
  /** Of a worker's writes: the attempt that makes them. */
  infer?: InferAttempt;
}

export interface Commit {
  key: string;
  before: StoredJob | null;
  after: StoredJob;
  writer: Writer;
  /** By the writer's monotonic clock: when it asked. */
  askedAt: number;
}

export interface StoreTrouble {
  /** How often a request is lost on the way, answered by an error after it was committed, or delayed past it. */
  lost: number;
  committedThenLost: number;
  lateCommit: number;
  slow: number;
}

/** How a store says that it is away: the core's own error class. */
export type UnreachableClass = new (part: string, message: string) => Error;

/**
 * The store: each decision is taken and written at one instant, by a clock of its own. Everything else
 * takes time and may fail: a reply that is lost says nothing of whether the write was made.
 */
export class SimStore {
  readonly rows = new Map<string, StoredJob>();
  readonly commits: ((commit: Commit) => void)[] = [];
  awayUntil = 0;
  /** What the wall clock of the store's machine was set ahead or back by. */
  jumpedMs = 0;
  private latest = 0;
  private readonly listeners = new Map<string, Set<() => void>>();

  constructor(
    private readonly world: World,
    private readonly trouble: StoreTrouble,
    private readonly Unreachable: UnreachableClass,
  ) {}

  now(): number {
    this.latest = Math.max(this.latest, 1_700_000_000_000 + Math.round(this.world.now) + this.jumpedMs);
    return this.latest;
  }

  row(key: string): StoredJob | null {
    return this.rows.get(key) ?? null;
  }

  /** The store as one process sees it. */
  connect(writer: Writer): ResultStore {
    return {
      id: 'sim',
      encryption: null,
      read: (key) => this.ask(writer, () => ({ job: this.row(key), now: this.now() }), false),
      update: (key, decide) => this.update(writer, key, decide),
      onSettled: (key, listener) => this.onSettled(writer.proc, key, listener),
      readBlob: () => Promise.resolve(null),
      list: (filter) =>
        this.ask(
          writer,
          () => ({
            jobs: [...this.rows.values()].filter((row) => !filter.status || row.status === filter.status),
          }),
          false,
        ),
      remove: () => Promise.resolve(0),
      stats: () => Promise.resolve([]),
      close: () => Promise.resolve(),
    };
  }

  private update<T>(writer: Writer, key: string, decide: Decide<T>): Promise<T> {
    const askedAt = writer.proc.monotonic();
    const commit = (): T => this.commit(writer, key, decide, askedAt);
    // some stores decide over a snapshot first, then again over the row under its lock
    if (!this.world.rng.chance(0.3)) return this.ask(writer, commit, true);
    return this.ask(writer, () => decide(this.row(key), this.now()), false).then((seen: Change<T>) =>
      seen.job ? this.ask(writer, commit, true) : seen.returns,
    );
  }

  private commit<T>(writer: Writer, key: string, decide: Decide<T>, askedAt: number): T {
    const before = this.row(key);
    const change = decide(before, this.now());
    if (change.job) {
      this.rows.set(key, change.job);
      const commit = { key, before, after: change.job, writer, askedAt };
      for (const told of this.commits) told(commit);
      if (isSettled(change.job.status)) for (const hint of this.listeners.get(key) ?? []) hint();
    }
    return change.returns;
  }

  /** A hint comes late, or not at all. */
  private onSettled(proc: Proc, key: string, listener: () => void): () => void {
    const hint = (): void => {
      if (this.world.rng.chance(0.7)) this.world.after(this.latency(), () => proc.enter(listener));
    };
    const listeners = this.listeners.get(key) ?? new Set();
    this.listeners.set(key, listeners.add(hint));
    return () => void listeners.delete(hint);
  }

  private ask<T>(writer: Writer, act: () => T, writes: boolean): Promise<T> {
    const { world, trouble } = this;
    const { rng } = world;
    return writer.proc.ask<T>((resolve, reject) => {
      const fail = (): void => reject(new this.Unreachable('store', 'the store is away'));
      world.after(this.latency(), () => {
        const isStormy = world.stormy;
        if (
          world.now < Math.max(this.awayUntil, writer.proc.noStoreUntil) ||
          (isStormy && rng.chance(trouble.lost))
        ) {
          world.after(rng.between(1, 2000), fail);
        } else if (isStormy && writes && rng.chance(trouble.lateCommit)) {
          // the connection broke, and the statement is run all the same, some time later
          world.after(rng.between(1, 1000), fail);
          world.after(rng.between(1, 20_000), () => void act());
        } else {
          const value = act();
          writer.proc.lookedAt = world.now;
          if (isStormy && writes && rng.chance(trouble.committedThenLost))
            world.after(rng.between(1, 2000), fail);
          else world.after(this.latency(), () => resolve(value));
        }
      });
    });
  }

  private latency(): number {
    const { rng, stormy } = this.world;
    return stormy && rng.chance(this.trouble.slow) ? rng.between(100, 9000) : rng.between(1, 20);
  }
}
