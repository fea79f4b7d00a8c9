import type { Metrics } from './metrics';

const OUTCOMES = ['created', 'joined', 'replayed', 'mismatch', 'forgotten'];
const AVOIDED = ['joined', 'replayed'];
const STATUSES = ['COMPLETED', 'FAILED', 'CANCELED'];

/**
 * Lets the counters of these tasks begin at 0. To Prometheus a counter that is first seen at 1 has not grown, so
 * that the first doubt that a process meets would be in no rate and in no alarm
 * (https://prometheus.io/docs/practices/instrumentation/#avoid-missing-metrics). Those by model can't: its name
 * comes with the answer.
 */
export function startAtZero(metrics: Metrics, tasks: Iterable<string>): void {
  const { claims, recovered, late, doubts, avoidedCost, avoidedUnpriced } = metrics;
  for (const name of tasks) {
    const task = metrics.task(name);
    for (const counter of [claims, recovered, late, doubts, avoidedCost, avoidedUnpriced]) {
      counter.inc({ task }, 0);
    }
    for (const outcome of OUTCOMES) metrics.submissions.inc({ task, outcome }, 0);
    for (const outcome of AVOIDED) metrics.duplicatesAvoided.inc({ task, outcome }, 0);
    for (const status of STATUSES) metrics.settled.inc({ task, status }, 0);
  }
}
