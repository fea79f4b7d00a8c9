import { setTimeout as delay } from 'node:timers/promises';
import type { JobLog } from '../log';

const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 30_000;

/**
 * Holds receives back while a part is away. Each receive counts towards the dead-letter queue: messages that
 * were taken again and again only to be left would end there for an outage that is not theirs.
 */
export class Outage {
  /** Null while all is well. */
  private pause: Promise<void> | null = null;
  /** Since work last went well: a part that answers and then refuses is not asked ever faster. */
  private waits = 0;

  constructor(
    private readonly log: JobLog,
    private readonly stop: AbortSignal,
  ) {}

  /**
   * A part did not answer. Says so, once for all that meet it, and holds receives back until `answers` gives true.
   *
   * @param why - a sentence
   */
  meet(why: string, answers: () => Promise<boolean>): void {
    if (this.pause) return;
    this.log.warn({ why }, 'waiting');
    this.pause = this.wait(answers);
  }

  /** Work went well: the next outage begins with a short wait. */
  forget(): void {
    if (this.pause === null) this.waits = 0;
  }

  /** Resolves when receiving makes sense, or when there is no more time for it. */
  async ready(): Promise<void> {
    while (this.pause) await this.pause;
  }

  private async wait(answers: () => Promise<boolean>): Promise<void> {
    do {
      const ms = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** this.waits);
      this.waits = Math.min(this.waits + 1, 10);
      await delay(ms, undefined, { signal: this.stop }).catch(() => undefined);
    } while (!this.stop.aborted && !(await answers()));
    this.pause = null;
    if (!this.stop.aborted) this.log.info({}, 'going on');
  }
}
