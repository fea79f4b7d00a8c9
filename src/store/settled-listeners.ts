/** Who wants to hear that a job is settled, by the job's key. */
export class SettledListeners {
  private readonly byKey = new Map<string, Set<() => void>>();

  /** How many jobs somebody listens for. */
  get size(): number {
    return this.byKey.size;
  }

  /** @returns takes the listener off */
  add(key: string, listener: () => void): () => void {
    const listeners = this.byKey.get(key) ?? new Set();
    this.byKey.set(key, listeners.add(listener));
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0 && this.byKey.get(key) === listeners) this.byKey.delete(key);
    };
  }

  /** Calls the listeners of a key; they must not throw. */
  tell(key: string): void {
    for (const listener of this.byKey.get(key) ?? []) listener();
  }
}
