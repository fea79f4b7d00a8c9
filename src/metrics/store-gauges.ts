import { setTimeout as delay } from 'node:timers/promises';
import { Gauge } from 'prom-client';
import type { ResultStore, StatsRow } from '../store/store';
import type { Metrics } from './metrics';

/** Times in ms. */
export interface GaugeTimes {
  /** The store is not asked again before so long; default 10 s. */
  freshMs?: number;
  /** A scrape waits no longer than this for the first sums; default 5 s, half of Prometheus's own time-out. */
  waitMs?: number;
}

/** Adding up a million rows takes a second of CPU: it may take a twentieth of the time, no more. */
const LARGEST_SHARE = 1 / 20;

/**
 * Gauges of what the store holds now: jobs by task and status, jobs in doubt. Every process that shares the
 * store tells the same, so a dashboard takes their `max`, never their sum.
 *
 * The store's sums cost time with its rows, so they are kept: a scrape asks the store at most every 10 s, and
 * every 20 times as long as the last sum took. Then it shows the last ones and has new ones made in the
 * background; their age is a metric of its own. While the store is away the gauges are gone, not stale.
 */
export function addStoreGauges(metrics: Metrics, store: ResultStore, times: GaugeTimes = {}): void {
  const { freshMs = 10_000, waitMs = 5_000 } = times;
  const kept = keepSums(() => store.stats(), freshMs);
  const gauge = <L extends string>(
    name: string,
    help: string,
    labelNames: L[],
    set: (gauge: Gauge<L>, sums: Sums | null) => void,
  ) =>
    new Gauge<L>({
      name: `infer_once_${name}`,
      help,
      labelNames,
      registers: [metrics.registry],
      async collect() {
        const sums = await kept(waitMs);
        // a number that was true once is none: without the store there is no number
        if (labelNames.length > 0) this.reset();
        else this.remove();
        set(this, sums);
      },
    });

  gauge(
    'jobs',
    'Jobs in the store now, by task and status; every process on that store tells the same.',
    ['task', 'status'],
    (jobs, sums) => {
      for (const { task, status, jobs: count } of sums?.rows ?? []) {
        jobs.inc({ task: metrics.task(task), status }, count);
      }
    },
  );
  gauge('jobs_in_doubt', 'Jobs in doubt now, of all tasks.', [], (inDoubt, sums) => {
    if (sums)
      inDoubt.set(sums.rows.reduce((sum, row) => sum + (row.status === 'IN_DOUBT' ? row.jobs : 0), 0));
  });
  gauge('store_stats_age_seconds', 'How old the numbers of jobs are.', [], (age, sums) => {
    if (sums) age.set((performance.now() - sums.at) / 1000);
  });
  gauge(
    'store_up',
    'Whether the store answered when it was last asked for the numbers of jobs.',
    [],
    (up, sums) => up.set(sums ? 1 : 0),
  );
}

interface Sums {
  rows: StatsRow[];
  /** When they were asked for, by the process's clock. */
  at: number;
}

/**
 * Sums that are made anew only when they are old, one at a time.
 *
 * @returns the last sums; null where the store is away, or where the first ones take too long
 */
function keepSums(ask: () => Promise<StatsRow[]>, freshMs: number): (waitMs: number) => Promise<Sums | null> {
  let last: Sums | null = null;
  let nextAt = 0;
  let underWay: Promise<Sums | null> | null = null;
  const renew = async (): Promise<Sums | null> => {
    const at = performance.now();
    try {
      last = { rows: await ask(), at };
    } catch {
      last = null;
    }
    nextAt = performance.now() + Math.max(freshMs, (performance.now() - at) / LARGEST_SHARE);
    underWay = null;
    return last;
  };
  return async (waitMs) => {
    if (performance.now() >= nextAt) underWay ??= renew();
    if (last || !underWay) return last;
    const late = new AbortController();
    const tooLong = delay(waitMs, null, { ref: false, signal: late.signal }).catch(() => null);
    return Promise.race([underWay, tooLong]).finally(() => late.abort());
  };
}
