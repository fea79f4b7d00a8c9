import { type FSWatcher, statSync, watch } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { JobLog } from '../../log';
import { findKey, type KeyEntry } from './key';
import { readKeysFile } from './keys-file';

/** Where nobody tells of changes (network disks, some mounts of containers). */
const LOOK_EVERY_MS = 2_000;

/**
 * The keys of a file, as it is now: a key that is added or revoked counts within moments. A file that breaks or
 * goes leaves the last good keys in force, and says so in the log.
 */
export class KeyRing {
  private readonly path: string;
  private entries: Map<string, KeyEntry>;
  private seen: string;
  /** Why the last read failed; said once. */
  private fault: string | null = null;
  private readonly watcher: FSWatcher;
  private readonly timer: NodeJS.Timeout;

  /** @throws ConfigError where the file can't be read or used */
  constructor(
    path: string,
    private readonly log: JobLog,
  ) {
    this.path = resolve(path);
    this.seen = this.look();
    this.entries = readKeysFile(this.path);
    // the folder: a file that is replaced by another is no longer the one that is watched
    this.watcher = watch(dirname(this.path), { persistent: false }, () => this.refresh());
    this.watcher.on('error', (error) =>
      log.warn({ name: error.name }, 'keys file is looked at by time only'),
    );
    this.timer = setInterval(() => this.refresh(), LOOK_EVERY_MS).unref();
  }

  /** The entry of a key, or null where it is not, or no longer, one. */
  find(key: string): KeyEntry | null {
    return findKey(this.entries, key);
  }

  close(): void {
    this.watcher.close();
    clearInterval(this.timer);
  }

  private refresh(): void {
    const now = this.look();
    if (now === this.seen) return;
    try {
      this.entries = readKeysFile(this.path);
      // only now: a read that fails is tried again, or a key that was revoked would stay good
      this.seen = now;
      this.fault = null;
      this.log.info({ keys: this.entries.size }, 'keys file read');
    } catch (error) {
      const { message } = error as Error;
      if (message === this.fault) return;
      this.fault = message;
      this.log.error({ message }, 'keys file not read; the keys before stay in force');
    }
  }

  /** What changes with every write of the file, and with every change of who may read it. */
  private look(): string {
    try {
      const { mtimeNs, ctimeNs, size, ino } = statSync(this.path, { bigint: true });
      return `${mtimeNs} ${ctimeNs} ${size} ${ino}`;
    } catch (error) {
      return String((error as NodeJS.ErrnoException).code);
    }
  }
}
