import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

/** A process of a test's own that speaks in lines. */
export interface Child {
  process: ChildProcess;
  /** Every line it has said so far. */
  lines: string[];
  /** Resolves when it has said so many lines; rejects where it ends before. */
  said(count: number): Promise<void>;
  /** Resolves when it says this line after now; rejects where it ends before. */
  saidAgain(line: string): Promise<void>;
  /** Sends it a line. */
  tell(line: string): void;
  /** Tells it that no more lines come. */
  hush(): void;
  /** Resolves with its exit code, null after a signal, when it has ended and all it said is here. */
  ended: Promise<number | null>;
}

/** Starts a script of plain JavaScript under this Node. */
export function startChild(script: string, ...args: string[]): Child {
  // what a test has set itself, too
  const { env } = process;
  const child = spawn(process.execPath, [script, ...args], { env, stdio: ['pipe', 'pipe', 'inherit'] });
  const lines: string[] = [];
  const reader = createInterface(child.stdout);
  reader.on('line', (line) => lines.push(line));
  // told to go on after its end: the exit code says more
  child.stdin.on('error', () => undefined);
  const ended = Promise.all([once(child, 'close'), once(reader, 'close')]).then(
    ([[code]]) => code as number | null,
  );
  const over = ended.then((code) => {
    throw new Error(`the process ended with ${code} after ${lines.length} lines`);
  });
  // awaited by those who wait for a line; of no interest to others
  over.catch(() => undefined);
  const until = async (holds: () => boolean) => {
    while (!holds()) await Promise.race([once(reader, 'line'), over]);
  };
  return {
    process: child,
    lines,
    ended,
    tell: (line) => child.stdin.write(`${line}\n`),
    hush: () => child.stdin.end(),
    said: (count) => until(() => lines.length >= count),
    saidAgain(text) {
      const from = lines.length;
      return until(() => lines.includes(text, from));
    },
  };
}
