import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** What was opened and has to be ended, the last first, whether the work is done, failed or was interrupted. */
export class Scope {
  private readonly ends: (() => unknown)[] = [];
  private ending: Promise<void> | undefined;

  /** Has something ended with the scope. */
  readonly atEnd = (end: () => unknown): void => void this.ends.push(end);

  /** As `atEnd`, for what is still being opened: it is ended too where nobody waits for it any more. */
  async open<T>(opening: Promise<T>, end: (opened: T) => unknown): Promise<T> {
    this.atEnd(() =>
      opening.then(end, () => {
        // the one who waits for it is told; there is nothing to end
      }),
    );
    return opening;
  }

  /** A new folder, which is gone at the end. */
  folder(prefix: string, parent = tmpdir()): string {
    this.requireOpen();
    const folder = mkdtempSync(join(parent, prefix));
    this.atEnd(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));
    return folder;
  }

  /** Does work with a scope of its own, which ends with it, or with this one if that is sooner. */
  async within<T>(work: (scope: Scope) => Promise<T>): Promise<T> {
    this.requireOpen();
    const inner = new Scope();
    this.atEnd(() => inner.end());
    try {
      return await work(inner);
    } finally {
      await inner.end();
    }
  }

  /** Ends everything, once. @throws what the first that did not end threw; the others are ended all the same */
  end(): Promise<void> {
    this.ending ??= this.endAll();
    return this.ending;
  }

  /** Work that was interrupted may go on for a moment, and must begin nothing that nobody would end. */
  private requireOpen(): void {
    if (this.ending) throw new Error('What this belongs to has ended already.');
  }

  private async endAll(): Promise<void> {
    const faults: unknown[] = [];
    for (let end = this.ends.pop(); end; end = this.ends.pop()) {
      try {
        await end();
      } catch (error) {
        faults.push(error);
      }
    }
    if (faults.length > 0) throw faults[0];
  }
}
