/** How far something was at a moment. */
interface Sample {
  at: number;
  done: number;
}

const WINDOW_MS = 30_000;

/**
 * How fast something goes now. Since its beginning would be wrong for long: a batch that is run again goes through
 * what is on record a hundred times faster than through what is missing.
 */
export class Pace {
  private readonly samples: Sample[] = [];

  /** @param now - monotonic, ms */
  constructor(private readonly now: () => number = () => performance.now()) {}

  /** Notes how much is done by now. */
  note(done: number): void {
    const at = this.now();
    this.samples.push({ at, done });
    // one that is older stays, so that there is always a whole window to look at
    while (this.samples[1] && this.samples[1].at <= at - WINDOW_MS) this.samples.shift();
  }

  /** A second, over the last half minute; null where nothing can be said yet. */
  get perSecond(): number | null {
    const [first, last] = [this.samples[0], this.samples.at(-1)];
    if (!first || !last || last.at === first.at) return null;
    return ((last.done - first.done) / (last.at - first.at)) * 1000;
  }

  /** How long the rest takes at this pace, ms; null where nobody can say. */
  left(whole: number): number | null {
    const { perSecond } = this;
    const done = this.samples.at(-1)?.done ?? 0;
    return perSecond ? ((whole - done) / perSecond) * 1000 : null;
  }
}
