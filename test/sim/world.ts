import { createRng, type Rng } from './rng';

/** Something that will happen, unless it is called off. */
export interface Timer {
  cancel(): void;
}

interface Due {
  at: number;
  seq: number;
  run: (() => void) | null;
}

/** One line of a run's history. */
export interface HistoryLine {
  at: number;
  who: string;
  what: string;
}

/**
 * Virtual time: events in the order of their moments, one after another, and between two of them every
 * promise that can go on does. Milliseconds; nothing here looks at a real clock.
 */
export class World {
  now = 0;
  readonly rng: Rng;
  readonly history: HistoryLine[] = [];
  events = 0;
  /** False once the faults are over: from then on everything works, if slowly. */
  stormy = true;
  private readonly heap: Due[] = [];
  private seq = 0;

  constructor(
    readonly seed: number,
    private readonly keepsHistory: boolean,
  ) {
    this.rng = createRng(seed);
  }

  log(who: string, what: () => string): void {
    if (this.keepsHistory) this.history.push({ at: this.now, who, what: what() });
  }

  after(ms: number, run: () => void): Timer {
    const due: Due = { at: this.now + Math.max(0, ms), seq: this.seq++, run };
    push(this.heap, due);
    return {
      cancel() {
        due.run = null;
      },
    };
  }

  /** Runs every event up to `until`, or until `isDone` says that nothing more is of interest. */
  async run(until: number, isDone: () => boolean = () => false): Promise<void> {
    await turn();
    while (this.heap.length > 0 && this.heap[0]!.at <= until && !isDone()) {
      const due = pop(this.heap);
      if (!due.run) continue;
      this.now = due.at;
      this.events += 1;
      due.run();
      await turn();
    }
    if (!isDone()) this.now = Math.max(this.now, until);
  }
}

/** Lets every promise that can go on do so. */
const turn = (): Promise<void> => new Promise((done) => setImmediate(done));

const isBefore = (a: Due, b: Due): boolean => a.at < b.at || (a.at === b.at && a.seq < b.seq);

function push(heap: Due[], due: Due): void {
  let i = heap.push(due) - 1;
  while (i > 0) {
    const up = (i - 1) >> 1;
    if (!isBefore(due, heap[up]!)) break;
    heap[i] = heap[up]!;
    i = up;
  }
  heap[i] = due;
}

function pop(heap: Due[]): Due {
  const first = heap[0]!;
  const last = heap.pop()!;
  if (heap.length === 0) return first;
  let i = 0;
  for (;;) {
    let down = 2 * i + 1;
    if (down >= heap.length) break;
    if (down + 1 < heap.length && isBefore(heap[down + 1]!, heap[down]!)) down += 1;
    if (!isBefore(heap[down]!, last)) break;
    heap[i] = heap[down]!;
    i = down;
  }
  heap[i] = last;
  return first;
}
