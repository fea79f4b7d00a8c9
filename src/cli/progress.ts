import { SingleBar } from 'cli-progress';
import { formatAge } from './output';
import { Pace } from './pace';

/** What has been done so far, as it is shown. */
export interface Counts {
  readonly total: number;
  toString(): string;
}

/** How much of a whole is done, in any unit: for the time that is left. */
export interface Extent {
  readonly done: number;
  readonly whole: number;
}

/** Shows on stderr how far a long work is. */
export interface Progress {
  /** Writes a line of its own without tearing the bar. */
  note(line: string): void;
  stop(): void;
}

const LOOK_EVERY_MS = 500;
const LOOKS_A_LINE = 20;
const CLEAR_LINE = '\r\u001b[K';
const SAVE_CURSOR = '\u001b7';
/** The bar is cut at the terminal's edge, a note is not. */
const WRAP = '\u001b[?7h';
const NO_WRAP = '\u001b[?7l';

/**
 * A bar on a terminal; elsewhere a plain line every ten seconds. Looks at the counts by itself: what is counted
 * costs no more for being shown.
 *
 * @param extent - undefined where nobody knows how much there will be
 */
export function startProgress(counts: Counts, extent: Extent | undefined): Progress {
  const speed = new Speed(counts, extent);
  if (process.stderr.isTTY && extent && extent.whole > 0) return startBar(counts, extent, speed);
  const began = Date.now();
  let looks = 0;
  const timer = setInterval(() => {
    looks += 1;
    speed.look();
    if (looks % LOOKS_A_LINE > 0) return;
    const { rate, left } = speed.words();
    const pace = left === null ? `${rate}/s` : `${rate}/s, ${left} left`;
    process.stderr.write(`${counts.total} after ${formatAge(Date.now() - began)}, ${pace}: ${counts}\n`);
  }, LOOK_EVERY_MS);
  timer.unref();
  return {
    note: (line) => void process.stderr.write(`${line}\n`),
    stop: () => clearInterval(timer),
  };
}

/** How fast things are counted, and when the whole will be done. */
class Speed {
  private readonly counted = new Pace();
  private readonly covered = new Pace();

  constructor(
    private readonly counts: Counts,
    private readonly extent: Extent | undefined,
  ) {
    this.look();
  }

  look(): void {
    this.counted.note(this.counts.total);
    if (this.extent) this.covered.note(this.extent.done);
  }

  /** `left` is null where nobody can say. */
  words(): { rate: string; left: string | null } {
    const rate = this.counted.perSecond ?? 0;
    const left = this.extent ? this.covered.left(this.extent.whole) : null;
    return { rate: rate.toFixed(rate < 10 ? 1 : 0), left: left === null ? null : formatAge(left) };
  }
}

function startBar(counts: Counts, extent: Extent, speed: Speed): Progress {
  const bar = new SingleBar({
    format: '{bar} {percentage}% | {rate}/s | {left} left | {counts}',
    barsize: 24,
    hideCursor: true,
    clearOnComplete: false,
    stream: process.stderr,
    fps: 5,
    // Ctrl-C is ours: it has something to say
    gracefulExit: false,
  });
  const payload = () => {
    const { rate, left } = speed.words();
    return { rate, left: left ?? '?', counts: String(counts) };
  };
  const draw = () => {
    speed.look();
    bar.update(extent.done, payload());
  };
  bar.start(extent.whole, 0, payload());
  const timer = setInterval(draw, LOOK_EVERY_MS);
  timer.unref();
  return {
    note(line) {
      process.stderr.write(`${CLEAR_LINE}${WRAP}${line}\n${NO_WRAP}`);
    },
    stop() {
      clearInterval(timer);
      draw();
      // the bar goes back to where it began, which is elsewhere once notes have scrolled it on
      process.stderr.write(SAVE_CURSOR);
      bar.stop();
    },
  };
}
