import { EXIT } from '../exit-codes';

/** Which exit code a batch ends with where its lines ended differently: the first of these that one had. */
export const PRECEDENCE: readonly number[] = [
  EXIT.unreachable,
  EXIT.inDoubt,
  EXIT.failed,
  EXIT.mismatch,
  EXIT.forgotten,
  EXIT.usage,
  EXIT.notInTime,
];

const NAMES: Readonly<Record<number, string>> = {
  [EXIT.done]: 'done',
  [EXIT.failed]: 'failed',
  [EXIT.usage]: 'bad',
  [EXIT.notInTime]: 'not in time',
  [EXIT.mismatch]: 'mismatched',
  [EXIT.inDoubt]: 'in doubt',
  [EXIT.unreachable]: 'unreadable',
  [EXIT.forgotten]: 'forgotten',
};

/** Counts how the lines of a batch ended, by exit code. */
export class Tally {
  private readonly counts = new Map<number, number>();
  /** Of the done ones, those that were on record before. */
  replayed = 0;

  add(exitCode: number, wasReplayed: boolean): void {
    this.counts.set(exitCode, (this.counts.get(exitCode) ?? 0) + 1);
    if (wasReplayed) this.replayed += 1;
  }

  get total(): number {
    return [...this.counts.values()].reduce((sum, count) => sum + count, 0);
  }

  get exitCode(): number {
    return PRECEDENCE.find((code) => this.counts.has(code)) ?? EXIT.done;
  }

  /** E.g. `98 done (40 replayed), 1 failed, 1 in doubt`. */
  toString(): string {
    const done = `${this.counts.get(EXIT.done) ?? 0} done (${this.replayed} replayed)`;
    const others = PRECEDENCE.filter((code) => this.counts.has(code));
    return [done, ...others.map((code) => `${this.counts.get(code)} ${NAMES[code]}`)].join(', ');
  }
}
