import { SingleBar } from 'cli-progress';
import { formatAge } from './output';

/** What has been done so far, as it is shown. */
export interface Counts {
  readonly total: number;
  toString(): string;
}

/** Shows on stderr how far a long work is. */
export interface Progress {
  /** Something was done. */
  tick(): void;
  /** Writes a line of its own without tearing the bar. */
  note(line: string): void;
  stop(): void;
}

const LINE_EVERY_MS = 10_000;
const CLEAR_LINE = '\r\u001b[K';
const SAVE_CURSOR = '\u001b7';
/** The bar is cut at the terminal's edge, a note is not. */
const WRAP = '\u001b[?7h';
const NO_WRAP = '\u001b[?7l';

/**
 * A bar on a terminal; elsewhere a plain line every ten seconds.
 *
 * @param expected - how many there will be; undefined where nobody knows
 */
export function startProgress(counts: Counts, expected: number | undefined): Progress {
  const began = Date.now();
  if (process.stderr.isTTY && expected) return startBar(counts, expected, began);
  const report = () =>
    process.stderr.write(
      `${counts.total}${expected ? ` of ${expected}` : ''} after ${formatAge(Date.now() - began)}: ${counts}\n`,
    );
  const timer = setInterval(report, LINE_EVERY_MS);
  timer.unref();
  return {
    tick: () => undefined,
    note: (line) => void process.stderr.write(`${line}\n`),
    stop: () => clearInterval(timer),
  };
}

function startBar(counts: Counts, expected: number, began: number): Progress {
  const bar = new SingleBar({
    format: '{bar} {value}/{total} | {rate}/s | {left} left | {counts}',
    barsize: 24,
    hideCursor: true,
    clearOnComplete: false,
    stream: process.stderr,
    fps: 5,
    // Ctrl-C is ours: it has something to say
    gracefulExit: false,
  });
  const payload = () => {
    const seconds = (Date.now() - began) / 1000;
    const rate = counts.total / Math.max(seconds, 0.1);
    const left = rate > 0 ? formatAge(((expected - counts.total) / rate) * 1000) : '?';
    return { rate: rate.toFixed(rate < 10 ? 1 : 0), left, counts: String(counts) };
  };
  bar.start(expected, 0, payload());
  // the time left moves on also while nothing ends
  const timer = setInterval(() => bar.update(counts.total, payload()), 500);
  timer.unref();
  return {
    tick: () => bar.update(counts.total, payload()),
    note(line) {
      process.stderr.write(`${CLEAR_LINE}${WRAP}${line}\n${NO_WRAP}`);
    },
    stop() {
      clearInterval(timer);
      bar.update(counts.total, payload());
      // the bar goes back to where it began, which is elsewhere once notes have scrolled it on
      process.stderr.write(SAVE_CURSOR);
      bar.stop();
    },
  };
}
