/** How far the run is. */
export interface Now {
  /** Submissions that were answered. */
  answers: number;
  /** Calls paid for so far; null where the provider does not say. */
  billed: number | null;
}

/** Shows on stderr how far the run is. */
export interface Progress {
  update(now: Now): void;
  /** Something happened: a line of its own, which stays. */
  note(line: string): void;
  /** Shows the last state; nothing moves after it. */
  stop(): void;
}

const LINE_EVERY_MS = 3_000;
const REDRAW_EVERY_MS = 250;
const BAR_WIDTH = 24;

/** One line that is rewritten on a terminal; elsewhere a line every three seconds. */
export function startProgress(submissions: number): Progress {
  const began = Date.now();
  let now: Now = { answers: 0, billed: null };
  const seconds = () => `${((Date.now() - began) / 1000).toFixed(1)} s`;
  const write = (text: string) => void process.stderr.write(text);
  const isTerminal = Boolean(process.stderr.isTTY);
  const show = isTerminal
    ? () =>
        write(
          `${REWRITE}${cut(`  ${drawBar(now.answers / submissions)} ${describe(now, submissions)}, ${seconds()}`)}`,
        )
    : () => write(`  ${seconds()}: ${describe(now, submissions)}\n`);
  const timer = setInterval(show, isTerminal ? REDRAW_EVERY_MS : LINE_EVERY_MS);
  return {
    update(latest) {
      now = latest;
    },
    note(line) {
      write(`${isTerminal ? REWRITE : ''}${line}\n`);
      if (isTerminal) show();
    },
    stop() {
      clearInterval(timer);
      show();
      if (isTerminal) write('\n');
    },
  };
}

/** To the beginning of the line, and erase it. */
const REWRITE = '\r\u001b[K';

function describe({ answers, billed }: Now, submissions: number): string {
  return `${answers} of ${submissions} answers${billed === null ? '' : `, ${billed} calls billed`}`;
}

function drawBar(share: number): string {
  const full = Math.round(Math.min(1, share) * BAR_WIDTH);
  return '█'.repeat(full) + '░'.repeat(BAR_WIDTH - full);
}

/** A line that wraps can't be rewritten. */
function cut(line: string): string {
  return line.slice(0, (process.stderr.columns || 80) - 1);
}
