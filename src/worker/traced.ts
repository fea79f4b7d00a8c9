import type { Tracing } from '../tracing';
import type { JobWorkerOptions } from './create';

/** A worker's parts, each telling OpenTelemetry; its interceptors are around all others. */
export function traced(options: JobWorkerOptions, tracing: Tracing): JobWorkerOptions {
  const { worker } = options;
  const { interceptors, sinks } = tracing.worker;
  const activity = [...(interceptors?.activity ?? []), ...(worker?.interceptors?.activity ?? [])];
  return {
    ...options,
    provider: tracing.provider(options.provider),
    worker: {
      ...worker,
      sinks: { ...worker?.sinks, ...sinks },
      interceptors: { ...worker?.interceptors, activity },
    },
  };
}
