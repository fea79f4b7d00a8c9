import type { Rng } from '../../test/sim/rng';
import type { Book } from './book';
import type { Caller } from './caller';

/** So many of the last ones may be asked for again. */
const REMEMBERED = 500;
const ASK_AGAIN = 0.3;
const MISTAKE = 0.05;

/** Callers who want jobs without end. */
export class Traffic {
  private readonly finished: number[] = [];
  private next = 0;

  constructor(
    private readonly callers: readonly Caller[],
    private readonly book: Book,
    private readonly rng: Rng,
  ) {}

  /** Streams jobs, so many at once, until told to stop; resolves when the last has ended. */
  async run(inFlight: number, stop: AbortSignal): Promise<void> {
    const stream = async () => {
      while (!stop.aborted) await this.oneJob();
    };
    await Promise.all(Array.from({ length: inFlight }, stream));
  }

  /** A job that every caller wants at once; sometimes with a mistake between them, sometimes an old one again. */
  private async oneJob(): Promise<void> {
    const n = this.next;
    this.next += 1;
    const { rng, book } = this;
    book.hasBegun(idOf(n));
    const wanted = this.callers.map((caller) => caller.run(jobOf(n)));
    if (rng.chance(MISTAKE)) {
      // after one that was submitted for certain: an input that came first would be the job's own
      await Promise.race(wanted);
      wanted.push(rng.pick(this.callers).mistake(jobOf(n, 'another')));
    }
    await Promise.all(wanted);
    book.hasEnded(idOf(n));
    if (rng.chance(ASK_AGAIN) && this.finished.length > 0) {
      const old = rng.pick(this.finished);
      await rng.pick(this.callers).run(jobOf(old));
      book.hasEnded(idOf(old));
    }
    this.finished.push(n);
    if (this.finished.length > REMEMBERED) this.finished.shift();
  }
}

const idOf = (n: number) => `soak-${n}`;

function jobOf(n: number, title = 'the alien') {
  return { job_id: idOf(n), task: 'enrich', input: { title: `${title} ${n} (1979)` } };
}
