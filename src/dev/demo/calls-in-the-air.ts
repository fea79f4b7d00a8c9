import { EventEmitter, once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';

/** A request needs this long, at most, from its log line to the wire. */
const QUIET_MS = 60;

/** What one worker is at. */
interface Activity {
  /** Jobs that it has claimed; true once the call was sent. */
  calls: Map<string, boolean>;
  lines: number;
}

/** Which calls each worker has in mid-air, by the workers' own log lines. */
export class CallsInTheAir {
  private readonly byPid = new Map<number, Activity>();
  private readonly changes = new EventEmitter();

  /** Takes one line of a worker's log; lines that tell of no job are passed over. */
  take(line: string): void {
    const { pid, job_id, msg } = parseLine(line);
    if (pid === undefined || job_id === undefined) return;
    const activity = this.activityOf(pid);
    activity.lines += 1;
    // whatever else is said of the job says that its call is over, or not begun
    if (msg === 'claimed' || msg === 'sent') activity.calls.set(job_id, msg === 'sent');
    else activity.calls.delete(job_id);
    this.changes.emit('change');
  }

  /** How many calls this worker has in mid-air. */
  of(pid: number): number {
    return [...this.activityOf(pid).calls.values()].filter(Boolean).length;
  }

  /**
   * Resolves when `check` holds and this worker has calls in mid-air and is about to send none: killed
   * between claim and call, it would leave a job of which nobody can know whether it was paid for.
   *
   * @throws AbortError when the signal aborts before
   */
  async untilSomeAreOut(pid: number, check: () => boolean, signal: AbortSignal): Promise<void> {
    const activity = this.activityOf(pid);
    const areOut = () => check() && activity.calls.size > 0 && this.of(pid) === activity.calls.size;
    for (;;) {
      while (!areOut()) await once(this.changes, 'change', { signal });
      const { lines } = activity;
      await delay(QUIET_MS, undefined, { signal });
      if (activity.lines === lines) return;
    }
  }

  private activityOf(pid: number): Activity {
    const activity = this.byPid.get(pid) ?? { calls: new Map(), lines: 0 };
    this.byPid.set(pid, activity);
    return activity;
  }
}

function parseLine(line: string): { pid?: number; job_id?: string; msg?: string } {
  try {
    return JSON.parse(line) ?? {};
  } catch {
    return {};
  }
}
