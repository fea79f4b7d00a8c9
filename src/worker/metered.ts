import type { ActivityInterceptorsFactory, WorkerOptions } from '@temporalio/worker';
import { MeteredStore, type Metrics, meteredProvider } from '../metrics';
import type { InferRequest } from '../workflows/contract';
import type { JobWorkerOptions } from './create';

/** A worker's parts, each heard by these metrics. */
export function metered(options: JobWorkerOptions, metrics: Metrics): JobWorkerOptions {
  const { store, provider, onEvent, worker } = options;
  return {
    ...options,
    store: new MeteredStore(store, metrics),
    provider: meteredProvider(provider, metrics),
    onEvent(event) {
      metrics.events.inc({ event: event.event });
      onEvent?.(event);
    },
    worker: { ...worker, interceptors: withQueueWait(worker?.interceptors, metrics) },
  };
}

function withQueueWait(
  given: WorkerOptions['interceptors'],
  metrics: Metrics,
): NonNullable<WorkerOptions['interceptors']> {
  const queueWait: ActivityInterceptorsFactory = ({ info }) => ({
    inbound: {
      execute(input, next) {
        if (info.activityType === 'infer') {
          const [{ task }] = input.args as [InferRequest];
          // two clocks: the server's and this machine's
          const waited = Math.max(0, Date.now() - info.currentAttemptScheduledTimestampMs);
          metrics.queueSeconds.observe({ task: metrics.task(task) }, waited / 1000);
        }
        return next(input);
      },
    },
  });
  return { ...given, activity: [...(given?.activity ?? []), queueWait] };
}
