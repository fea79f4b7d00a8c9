import { setTimeout as delay } from 'node:timers/promises';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { setGlobalErrorHandler, W3CTraceContextPropagator } from '@opentelemetry/core';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { detectResourcesSync, envDetectorSync, Resource } from '@opentelemetry/resources';
import { BasicTracerProvider, BatchSpanProcessor } from '@opentelemetry/sdk-trace-base';
import {
  makeWorkflowExporter,
  OpenTelemetryActivityInboundInterceptor,
  OpenTelemetryActivityOutboundInterceptor,
  OpenTelemetryWorkflowClientInterceptor,
} from '@temporalio/interceptors-opentelemetry';
import type { JobLog } from '../log';
import type { Tracing } from './index';
import { tracedProvider } from './provider';
import { withoutMessages } from './without-messages';

const CLOSE_WITHIN_MS = 5_000;

/**
 * Starts OpenTelemetry's SDK for this process, as `OTEL_*` says: spans go out by OTLP over HTTP as JSON. Once a
 * process: the context of a call is global to it, by OpenTelemetry's own design.
 *
 * Of what comes with a request only `traceparent` and `tracestate` are taken on, no baggage: it would lie in
 * Temporal's history.
 */
export function startTracing(service: string, log: JobLog): Tracing {
  const resource = Resource.default()
    .merge(new Resource({ 'service.name': service }))
    .merge(detectResourcesSync({ detectors: [envDetectorSync] }));
  const processor = new BatchSpanProcessor(withoutMessages(new OTLPTraceExporter()));
  const provider = new BasicTracerProvider({ resource, spanProcessors: [processor] });
  // the error may quote an answer of whatever listens there
  setGlobalErrorHandler(() => log.warn({}, 'traces not delivered'));
  provider.register({
    contextManager: new AsyncLocalStorageContextManager(),
    propagator: new W3CTraceContextPropagator(),
  });
  return {
    clientInterceptors: [new OpenTelemetryWorkflowClientInterceptor()],
    worker: {
      sinks: { exporter: makeWorkflowExporter(processor, resource) },
      interceptors: {
        activity: [
          (context) => ({
            inbound: new OpenTelemetryActivityInboundInterceptor(context),
            outbound: new OpenTelemetryActivityOutboundInterceptor(context),
          }),
        ],
      },
    },
    provider: tracedProvider,
    close: () =>
      Promise.race([
        provider.shutdown().catch(() => undefined),
        delay(CLOSE_WITHIN_MS, undefined, { ref: false }),
      ]),
  };
}
