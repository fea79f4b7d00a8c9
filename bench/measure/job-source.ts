import type { Job } from '../contestants/contestant';

/** Makes jobs that nobody has seen, and remembers which they were. */
export class JobSource {
  private made = 0;

  /** @param prefix - of the ids, by which the ledger's calls are told apart */
  constructor(readonly prefix: string) {}

  get count(): number {
    return this.made;
  }

  /** @param seconds - after so long no more are made; default: however long it takes */
  *take(count: number, seconds = Number.POSITIVE_INFINITY): Generator<Job> {
    const end = performance.now() + seconds * 1000;
    for (let n = 0; n < count && (n === 0 || performance.now() < end); n += 1) {
      this.made += 1;
      yield this.at(this.made);
    }
  }

  /** A job that was made, by its number from 1. */
  at(number: number): Job {
    return { id: `${this.prefix}-${number}`, prompt: `Write one line about film number ${number}.` };
  }

  owns(id: string): boolean {
    return id.startsWith(`${this.prefix}-`);
  }
}
