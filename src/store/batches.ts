/** How many batches of one kind are under way at once: who comes meanwhile travels in the next. */
const AT_ONCE = 2;
/** How many requests one batch has. */
const MOST = 64;

/** In place of an answer: ask for this one by itself. */
export const ALONE = Symbol('alone');

/** Asks for several things at once: what came of each, in their order. A rejection: nothing was done. */
export type AskAll<Q, A> = (requests: readonly Q[]) => Promise<(A | Error | typeof ALONE)[]>;

interface Asked<Q, A> {
  request: Q;
  since: number;
  done(answer: A): void;
  failed(reason: unknown): void;
}

/**
 * Asks for many things by one statement, or in one transaction. A request travels with the others of its turn of the
 * event loop, and with those that come while enough is under way: the busier a process is, the less each one costs.
 * Where a batch fails for the sake of one request, each is asked by itself, and none waits for another.
 *
 * @example
 * const looks = new Batches((keys: readonly string[]) => rowsOf(keys), isAway);
 * const row = await looks.run('film-1');
 */
export class Batches<Q, A> {
  private waiting: Asked<Q, A>[] = [];
  private underWay = 0;
  private isScheduled = false;

  /**
   * @param ask - with one request it may not answer {@link ALONE}
   * @param isForAll - whether a rejection would meet everybody; else each of the batch is asked by itself
   * @param patienceMs - who has waited so long when such a one comes is told it, too, and does not sit it out one batch
   *   after the other
   */
  constructor(
    private readonly ask: AskAll<Q, A>,
    private readonly isForAll: (error: unknown) => boolean,
    private readonly patienceMs: number,
  ) {}

  /** @throws what `ask` throws, or answers in this request's place */
  run(request: Q): Promise<A> {
    return new Promise((done, failed) => {
      this.waiting.push({ request, since: performance.now(), done, failed });
      this.schedule();
    });
  }

  private schedule(): void {
    if (this.isScheduled) return;
    this.isScheduled = true;
    setImmediate(() => {
      this.isScheduled = false;
      while (this.waiting.length > 0 && this.underWay < AT_ONCE) void this.send(this.waiting.splice(0, MOST));
    });
  }

  private async send(batch: readonly Asked<Q, A>[]): Promise<void> {
    this.underWay += 1;
    const answers = await this.ask(batch.map(({ request }) => request)).catch((error: unknown) => {
      this.tellFailed(batch, error);
      return null;
    });
    this.underWay -= 1;
    if (this.waiting.length > 0) this.schedule();
    if (answers) for (const [index, asked] of batch.entries()) this.tell(asked, answers[index]!);
  }

  private tellFailed(batch: readonly Asked<Q, A>[], error: unknown): void {
    const isForAll = this.isForAll(error);
    if (isForAll) this.tellPatient(error);
    for (const asked of batch) {
      if (isForAll || batch.length === 1) asked.failed(error);
      else this.askAlone(asked);
    }
  }

  private tellPatient(error: unknown): void {
    const enough = performance.now() - this.patienceMs;
    // they stand in the order in which they came
    while (this.waiting.length > 0 && this.waiting[0]!.since <= enough) this.waiting.shift()!.failed(error);
  }

  private tell(asked: Asked<Q, A>, answer: A | Error | typeof ALONE): void {
    if (answer === ALONE) this.askAlone(asked);
    else if (answer instanceof Error) asked.failed(answer);
    else asked.done(answer);
  }

  /** Takes no place of a batch: it may be one that waits long. */
  private askAlone(asked: Asked<Q, A>): void {
    this.ask([asked.request]).then(([answer]) => this.tell(asked, answer!), asked.failed);
  }
}
