import { setTimeout as delay } from 'node:timers/promises';
import { UnreachableError } from '../errors';
import { isSettled, type JobRecord } from '../job';
import type { Scope } from './scope';
import { watchUntilClosed } from './watch-closed';

/** The pause after a change; it doubles with every look that finds none. */
const SHORTEST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 2_000;

/** What one look at a record found. */
export interface Look {
  /** Looks are counted from 1. */
  number: number;
  /** Null where nothing is known of the job. */
  record: JobRecord | null;
  /** The same text for two looks means that nothing changed between them. */
  state: string;
  /** The look failed; the record is unknown then. */
  error?: unknown;
}

/**
 * A record's state as text. `updated_at` is left out: every renewal of a lease moves it, and tells nobody
 * anything.
 */
export function stateOf(record: JobRecord): string {
  const { updated_at: _, ...rest } = record;
  return JSON.stringify(rest);
}

/**
 * Looks at one record again and again until it is stopped: soon after a change, ever more seldom without one,
 * and at once when the store tells of the job's end, or its run closes. Runs no worker; the record is what readers trust.
 */
export class Watch {
  private begun = 0;
  private last: Look | null = null;
  private coming = deferred<Look>();
  private nap = new AbortController();
  private readonly left = new AbortController();
  private run: Promise<void> | null = null;
  private readonly mute: (() => void) | null | undefined;

  constructor(
    private readonly scope: Scope,
    private readonly key: string,
  ) {
    this.mute = scope.store?.onSettled?.(key, () => this.nap.abort());
    void this.look();
  }

  /** A look that begins from now on: what was written before this call is in it. */
  async fresh(): Promise<Look> {
    const wanted = this.begun + 1;
    this.nap.abort();
    while ((this.last?.number ?? 0) < wanted) await this.coming.promise;
    return this.last!;
  }

  /** The look after this one, or the latest where there were more. */
  async after({ number }: Look): Promise<Look> {
    return this.last && this.last.number > number ? this.last : this.coming.promise;
  }

  stop(): void {
    this.mute?.();
    this.left.abort();
    this.nap.abort();
  }

  private async look(): Promise<void> {
    // whoever asks first for a fresh look has it as the first one
    await Promise.resolve();
    for (let quiet = 0; !this.left.signal.aborted; quiet += 1) {
      // made before the look: who asks for a fresh one during it is heard after it
      this.nap = new AbortController();
      this.begun += 1;
      const found = await this.read(this.begun);
      if (found.state !== this.last?.state) quiet = 0;
      this.tell(found);
      if (found.record && !isSettled(found.record.status)) this.run ??= this.wakeAtClose();
      await pause(quiet, this.nap.signal);
    }
  }

  private async read(number: number): Promise<Look> {
    try {
      const record = await this.scope.records.read(this.key);
      return { number, record, state: record ? stateOf(record) : '' };
    } catch (error) {
      return { number, record: null, state: this.last?.state ?? '', error };
    }
  }

  private tell(found: Look): void {
    const { tell } = this.coming;
    this.last = found;
    this.coming = deferred();
    tell(found);
  }

  /** Once: a run that is started later, by a decision or a retry, is met by the looks alone. */
  private async wakeAtClose(): Promise<void> {
    try {
      await watchUntilClosed(this.scope.client, this.key, this.left.signal);
      this.nap.abort();
    } catch {
      // Temporal is away or nobody watches any more; the looks go on without it
    }
  }
}

/** True where another look may succeed. */
export function mayPass(error: unknown): boolean {
  return error instanceof UnreachableError;
}

function pause(quiet: number, signal: AbortSignal): Promise<void> {
  const ms = Math.min(LONGEST_PAUSE_MS, SHORTEST_PAUSE_MS * 2 ** Math.min(quiet, 10));
  return delay(ms, undefined, { signal }).catch(() => undefined);
}

interface Deferred<T> {
  promise: Promise<T>;
  tell(value: T): void;
}

function deferred<T>(): Deferred<T> {
  let tell!: (value: T) => void;
  const promise = new Promise<T>((done) => {
    tell = done;
  });
  return { promise, tell };
}
