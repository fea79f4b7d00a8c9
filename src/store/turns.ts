/**
 * Lets steps of the same name run one after the other, in the order in which they came.
 *
 * @example
 * await turns.take(key, () => store.update(key, decide));
 */
export class Turns {
  private readonly last = new Map<string, Promise<unknown>>();

  /** Resolves or rejects as the step does; one that fails does not hold up the next. */
  async take<T>(name: string, step: () => Promise<T>): Promise<T> {
    const mine = (this.last.get(name) ?? Promise.resolve()).then(step);
    const over = mine.catch(() => undefined);
    this.last.set(name, over);
    try {
      return await mine;
    } finally {
      if (this.last.get(name) === over) this.last.delete(name);
    }
  }
}
