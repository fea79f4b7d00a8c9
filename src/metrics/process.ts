import { collectDefaultMetrics } from 'prom-client';
import type { Config } from '../config';
import type { ResultStore } from '../store/store';
import { createMetrics, type Metrics } from './metrics';
import { serveMetrics } from './serve';
import { startAtZero } from './start-at-zero';
import { addStoreGauges } from './store-gauges';

/** Gauges with a counter's suffix, which promtool finds amiss; each is the sum of one by type. */
const MISNAMED = ['handles', 'requests', 'resources'].map((what) => `nodejs_active_${what}_total`);

/** What a process of ours counts, and where it tells it. */
export interface ProcessMetrics {
  metrics: Metrics;
  /** Of the port of its own; null where it has none. */
  url: string | null;
  close(): Promise<void>;
}

/**
 * The metrics of a worker or gateway process: ours, Node's own and the store's gauges; served on a port of their
 * own where `INFER_ONCE_METRICS_PORT` names one.
 *
 * @param tasks - the names of those that are known; their counters begin at 0
 * @throws UserError `port_in_use`, `port_unusable`
 */
export async function openMetrics(
  { host, port }: Config['metrics'],
  store: ResultStore,
  tasks: Iterable<string>,
): Promise<ProcessMetrics> {
  const metrics = createMetrics();
  startAtZero(metrics, tasks);
  collectDefaultMetrics({ register: metrics.registry });
  for (const name of MISNAMED) metrics.registry.removeSingleMetric(name);
  addStoreGauges(metrics, store);
  const server = port === null ? null : await serveMetrics(metrics.registry, { host, port });
  return { metrics, url: server?.url ?? null, close: async () => server?.close() };
}
