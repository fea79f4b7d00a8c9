import { Counter, Histogram, Registry } from 'prom-client';
import { boundedLabel } from './bounded-label';
import { CALL_BUCKETS, JOB_BUCKETS, STORE_BUCKETS, WAIT_BUCKETS } from './buckets';

/**
 * The metrics of one process: a registry of its own, and the bounded labels that its families share. Made once
 * and passed in; nothing is registered globally.
 *
 * @example
 * const metrics = createMetrics();
 * const worker = await createJobWorker({ ...parts, metrics });
 * const text = await metrics.registry.metrics();
 */
export function createMetrics() {
  const registry = new Registry();
  const registers = [registry];
  const counter = <L extends string>(name: string, help: string, labelNames: L[] = []) =>
    new Counter({ name: `infer_once_${name}`, help, labelNames, registers });
  const histogram = <L extends string>(name: string, help: string, buckets: number[], labelNames: L[]) =>
    new Histogram({ name: `infer_once_${name}`, help, buckets, labelNames, registers });
  return {
    registry,
    /** Tasks and models are names from outside: at most 100 of each, then `other`. */
    task: boundedLabel(),
    model: boundedLabel(),

    submissions: counter('submissions_total', 'Submissions, by how they met the job.', ['task', 'outcome']),
    duplicatesAvoided: counter(
      'duplicates_avoided_total',
      'Submissions that were joined or replayed, each an inference that was not run again.',
      ['task', 'outcome'],
    ),
    avoidedCost: counter(
      'duplicates_avoided_cost_usd_total',
      'What the replayed inferences would have cost again, by the price on record.',
      ['task'],
    ),
    avoidedUnpriced: counter(
      'duplicates_avoided_unpriced_total',
      'Duplicates avoided whose price is not known (every joined one: its call has no price yet); not in the cost.',
      ['task'],
    ),

    claims: counter('calls_claimed_total', 'Claims of the right to call.', ['task']),
    billed: counter('calls_billed_total', 'Calls that are known to be executed, hence paid for.', [
      'task',
      'model',
    ]),
    unpriced: counter(
      'calls_billed_unpriced_total',
      'Billed calls whose price is not known; not in the cost.',
      ['task', 'model'],
    ),
    recovered: counter('calls_recovered_total', 'Lost answers that were found again at the provider.', [
      'task',
    ]),
    late: counter('calls_late_total', 'Billed calls whose answer came after the right to call was lost.', [
      'task',
    ]),
    refused: counter('calls_refused_total', 'Calls that were not executed, by why.', ['task', 'reason']),
    tokens: counter(
      'tokens_total',
      'Tokens of billed calls; cached ones are among the input, reasoning ones among the output.',
      ['task', 'model', 'type'],
    ),
    cost: counter('cost_usd_total', 'Known cost of billed calls, by list price.', ['task', 'model']),
    doubts: counter('doubts_total', 'Times a job went in doubt.', ['task']),
    settled: counter('jobs_settled_total', 'Jobs that were settled, by how.', ['task', 'status']),
    events: counter('events_total', 'Steps in the lives of jobs, by the name that the log gives them.', [
      'event',
    ]),
    storeErrors: counter('store_errors_total', 'Operations of the store that failed, by code.', ['code']),

    jobSeconds: histogram(
      'job_duration_seconds',
      'From submission to answer, by the clock of the store; jobs that were opened again left out.',
      JOB_BUCKETS,
      ['task', 'status'],
    ),
    callSeconds: histogram(
      'provider_call_duration_seconds',
      'One request to the provider, from its start until its outcome is known.',
      CALL_BUCKETS,
      ['model', 'outcome'],
    ),
    queueSeconds: histogram(
      'queue_wait_seconds',
      'From when an attempt was scheduled by Temporal until a worker began it.',
      WAIT_BUCKETS,
      ['task'],
    ),
    httpSeconds: histogram(
      'http_request_duration_seconds',
      'One request to the gateway, from its headers until its answer is sent; those that wait for a job among them.',
      WAIT_BUCKETS,
      ['method', 'route', 'status'],
    ),
    storeSeconds: histogram(
      'store_operation_duration_seconds',
      'One operation of the store; claim and save are the two durable writes around a call.',
      STORE_BUCKETS,
      ['operation'],
    ),
  };
}

export type Metrics = ReturnType<typeof createMetrics>;
