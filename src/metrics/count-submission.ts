import type { Metrics } from './metrics';

/** How a submission met its job. */
export interface CountedSubmission {
  task: string;
  outcome: 'created' | 'joined' | 'replayed' | 'mismatch' | 'forgotten';
  /** The record's price; null where it is not known. */
  cost_usd: number | null;
}

/**
 * Counts one submission. A joined or replayed one is an inference that was not run again; its price counts
 * where the record has one, and where it has none that is counted instead, for unknown is not 0.
 */
export function countSubmission(metrics: Metrics, told: CountedSubmission): void {
  const { outcome, cost_usd } = told;
  const task = metrics.task(told.task);
  metrics.submissions.inc({ task, outcome });
  if (outcome !== 'joined' && outcome !== 'replayed') return;
  metrics.duplicatesAvoided.inc({ task, outcome });
  // a joined job's call may be under way: what is on record is an earlier generation's
  if (outcome === 'replayed' && cost_usd !== null) metrics.avoidedCost.inc({ task }, cost_usd);
  else metrics.avoidedUnpriced.inc({ task });
}
