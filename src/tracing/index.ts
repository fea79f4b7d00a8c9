import type { WorkflowClientInterceptor } from '@temporalio/client';
import type { WorkerOptions } from '@temporalio/worker';
import type { JobLog } from '../log';
import type { Provider } from '../provider/provider';

/** What a process needs to tell OpenTelemetry of its part of a job's life. */
export interface Tracing {
  /** For a client: its starts carry the trace on. */
  clientInterceptors: WorkflowClientInterceptor[];
  /** For a worker, whose workflow bundle has to be the traced one. */
  worker: Pick<WorkerOptions, 'interceptors' | 'sinks'>;
  /** The provider, each call of it a span. */
  provider(provider: Provider): Provider;
  /** Sends what is left, for 5 s at most. */
  close(): Promise<void>;
}

/**
 * OpenTelemetry traces, where the standard environment asks for them. Off, nothing of OpenTelemetry's SDK is
 * loaded.
 *
 * @param service - the default of `OTEL_SERVICE_NAME`
 */
export async function openTracing(isOn: boolean, service: string, log: JobLog): Promise<Tracing | undefined> {
  if (!isOn) return undefined;
  const { startTracing } = await import('./start.js');
  return startTracing(service, log);
}
