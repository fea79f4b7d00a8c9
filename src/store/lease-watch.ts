import type { StoredJob } from './store';

/** How many leases are watched at once; a forgotten one is watched anew, from its start. */
const MOST_WATCHED = 10_000;

/**
 * Tells the time of a job in a store that has no clock. What the machines' clocks say is enough for a date,
 * and never ends a lease: that takes a row which this process has seen unchanged, with no renewal, for as
 * long as the lease is, by its own monotonic clock. So a clock that is set apart puts no healthy job in
 * doubt, and a lease whose owner died ends wherever one contender keeps coming back (PROTOCOL 8).
 */
export class LeaseWatch {
  private readonly seen = new Map<string, { revision: string; since: number }>();

  /** @param monotonic - ms that only ever grow */
  constructor(readonly monotonic: () => number) {}

  /**
   * @param lease - the row, its revision and how long its lease was given for, in ms
   * @param wall - this machine's clock, ms since the epoch
   * @param askedAt - the monotonic time before the row was asked for
   * @returns the job's time, whole ms: at or past `lease_until` only where the lease has been watched to its end
   */
  tell(
    { job, revision, leaseMs }: { job: StoredJob; revision: string; leaseMs: number },
    wall: number,
    askedAt: number,
  ): number {
    const now = Math.max(wall, job.updated_at);
    if (job.status !== 'IN_PROGRESS' || job.lease_until === null) {
      this.seen.delete(job.key);
      return now;
    }
    const since = this.saw(job.key, revision);
    const left = Math.ceil(leaseMs - Math.max(0, askedAt - since));
    if (left <= 0) return Math.max(now, job.lease_until);
    const ownersTime = job.lease_until - left;
    return now >= job.lease_until ? ownersTime : Math.max(now, ownersTime);
  }

  /** Notes a row that was read or written; gives since when it has been seen as it is. */
  saw(key: string, revision: string): number {
    const known = this.seen.get(key);
    if (known?.revision === revision) return known.since;
    const since = this.monotonic();
    this.seen.delete(key);
    this.seen.set(key, { revision, since });
    if (this.seen.size > MOST_WATCHED) this.seen.delete(this.seen.keys().next().value!);
    return since;
  }
}
