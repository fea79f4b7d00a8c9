import {
  close,
  closeSync,
  constants,
  existsSync,
  type FSWatcher,
  fchmodSync,
  lutimes,
  open,
  openSync,
  statSync,
  watch,
  write,
} from 'node:fs';
import { SettledListeners } from './settled-listeners';

/** A row that was settled, and when by the store's clock. */
export interface SettledRow {
  key: string;
  updated_at: number;
}

/** What is being committed when somebody begins to listen has a time from before. */
const COMMIT_MS = 2_000;
/** Somebody else may have put a link, or a pipe, in its place. */
const WRITE_NOTHING_ELSE = constants.O_WRONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/**
 * Tells the processes that have a SQLite file open that a job was settled. SQLite has no word for it, so a file
 * beside the store (`-bell`) is touched after such a commit; who waits watches that file, and then asks the store what
 * was settled since. A hint and no more: the file says nothing, and may be deleted.
 */
export class SqliteBell {
  private readonly listeners = new SettledListeners();
  private readonly bell: string;
  private watcher: FSWatcher | null = null;
  /** What was settled before was told, by the store's clock. */
  private since = 0;
  private look: 'none' | 'under way' | 'once more' = 'none';

  /**
   * @param file - the store's
   * @param settledSince - what was settled at or after a time of the store's clock
   */
  constructor(
    private readonly file: string,
    private readonly settledSince: (ms: number) => Promise<SettledRow[]>,
  ) {
    this.bell = `${file}-bell`;
  }

  /** @returns takes the listener off; null where the bell can't be heard */
  onSettled(key: string, listener: () => void): (() => void) | null {
    this.watcher ??= this.watch();
    if (!this.watcher) return null;
    // the store's clock is never behind this one, and never goes back
    if (this.listeners.size === 0) this.since = Math.max(this.since, Date.now() - COMMIT_MS);
    return this.listeners.add(key, listener);
  }

  /** Rings for jobs that this process has settled. */
  ring(keys: readonly string[]): void {
    for (const key of keys) this.listeners.tell(key);
    const now = new Date();
    lutimes(this.bell, now, now, (error) => {
      // only its owner may touch it, but who shares the store may write; all else is that nobody has ever listened
      if (error?.code === 'EPERM') this.write();
    });
  }

  close(): void {
    this.watcher?.close();
    this.watcher = null;
  }

  private watch(): FSWatcher | null {
    try {
      if (!existsSync(this.bell)) this.make();
      // one that is deleted rings no more: the next who listens makes another
      const heard = (event: string) => (event === 'rename' ? this.close() : this.onRing());
      return watch(this.bell, { persistent: false }, heard).on('error', () => this.close());
    } catch {
      return null;
    }
  }

  private make(): void {
    const { mode } = statSync(this.file);
    const bell = openSync(this.bell, WRITE_NOTHING_ELSE | constants.O_CREAT | constants.O_EXCL);
    // whoever may write the store may ring, as with SQLite's own files beside it
    fchmodSync(bell, mode & 0o777);
    closeSync(bell);
  }

  private write(): void {
    open(this.bell, WRITE_NOTHING_ELSE, (error, bell) => {
      if (!error) write(bell, '.', 0, () => close(bell));
    });
  }

  private onRing(): void {
    if (this.look !== 'none') this.look = 'once more';
    else if (this.listeners.size > 0) void this.lookAround();
  }

  /** Who rings while a look is under way has it looked once more, however many they are. */
  private async lookAround(): Promise<void> {
    do {
      this.look = 'under way';
      try {
        for (const { key, updated_at } of await this.settledSince(this.since)) {
          this.since = Math.max(this.since, updated_at);
          this.listeners.tell(key);
        }
      } catch {
        // who waits looks by himself, and is told what is wrong
      }
    } while (this.isAskedAgain());
    this.look = 'none';
  }

  private isAskedAgain(): boolean {
    return this.look === 'once more';
  }
}
