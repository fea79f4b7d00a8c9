import { isDeepStrictEqual } from 'node:util';
import type { Decide, StoredJob } from '../../src/store/store';
import { type Claim, type Planned, ruleFor } from './property-commands';

/** What a store showed to a decision, and when it did among the others. */
export interface Recorded {
  row: StoredJob | null;
  now: number;
  order: number;
}

/** What a store has to be: a map with one row, over which decisions are taken one after another. */
export class ModelStore {
  row: StoredJob | null = null;
  /** Claims that some actor was given, the oldest first; most are stale by now. */
  private readonly claims: Claim[] = [];
  private readonly blobs = new Map<string, string>();
  /** Every blob that was ever written: one that was dropped must not be there. */
  private readonly everNamed = new Set<string>();
  private order = 0;
  private latest = 0;

  constructor(private readonly key: string) {}

  nextOrder(): number {
    this.order += 1;
    return this.order;
  }

  ruleOf(planned: Planned): Decide<unknown> {
    return ruleFor(planned, this.key, this.row, this.claims);
  }

  blobNames(): Iterable<string> {
    return this.everNamed;
  }

  blob(name: string): string | null {
    return this.blobs.get(name) ?? null;
  }

  /**
   * Takes the decisions as the store took them, by the clock that it showed: those that write one after
   * another, each over what the one before it left; those that write nothing over any of these states.
   */
  apply(rules: Decide<unknown>[], recorded: Recorded[]): unknown[] {
    const states: (StoredJob | null)[] = [this.row];
    const changes = rules.map((rule, i) => rule(recorded[i]!.row, recorded[i]!.now));
    const writers = changes.map((_, i) => i).filter((i) => changes[i]!.job);
    for (const i of writers.sort((a, b) => recorded[a]!.order - recorded[b]!.order)) {
      const { row, now } = recorded[i]!;
      expectSame(row, this.row);
      if (now < this.latest) throw new Error(`the store's clock went back from ${this.latest} to ${now}`);
      this.latest = now;
      const { job, blobs = {}, dropBlobs = false, returns } = rules[i]!(this.row, now);
      this.write(job!, blobs, dropBlobs);
      states.push(this.row);
      this.remember(returns);
    }
    for (const { row } of recorded) {
      if (!states.some((state) => isDeepStrictEqual(row, state))) expect(states).toContainEqual(row);
    }
    return changes.map(({ returns }) => returns);
  }

  private write(job: StoredJob, blobs: Record<string, string>, drops: boolean): void {
    this.row = JSON.parse(JSON.stringify(job)) as StoredJob;
    if (drops) this.blobs.clear();
    for (const [name, body] of Object.entries(blobs)) {
      this.blobs.set(name, body);
      this.everNamed.add(name);
    }
  }

  private remember(answer: unknown): void {
    const { kind, row, token, call_id } = (answer ?? {}) as Partial<Claim> & {
      kind?: string;
      row?: StoredJob;
    };
    if (kind !== 'claimed') return;
    this.claims.push({ call_id: call_id!, token: token!, input_digest: row!.input_digest });
  }
}

/** Jest's own comparison is for saying what differs; a hundred thousand times it would take half a minute. */
export function expectSame(got: unknown, expected: unknown): void {
  if (!isDeepStrictEqual(got, expected)) expect(got).toEqual(expected);
}
