import type { Metrics } from './metrics';
import type { BilledCall } from './row-change';
import { countBilled } from './store';

/** Stands where a job's task would: no task can have this name. */
export const PASSED = '(pass-through)';

/**
 * Counts a call that was passed through to the provider and answered, so that the metrics of cost are the whole
 * bill. It has no row that anybody could read again: what is not counted here is counted nowhere.
 */
export function countPassed(metrics: Metrics, call: Omit<BilledCall, 'isLate'>): void {
  countBilled(metrics, PASSED, { ...call, isLate: false });
}
