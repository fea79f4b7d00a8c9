import {
  type Context,
  context,
  propagation,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';
import type { FastifyInstance, FastifyRequest } from 'fastify';

/**
 * A server span for each request, in the trace that its `traceparent` names; what the handler does is within it.
 * It tells method, route and status, never a path or a body.
 */
export function addTracing(app: FastifyInstance): void {
  const tracer = trace.getTracer('infer-once');
  const spans = new WeakMap<FastifyRequest, { span: Span; within: Context }>();
  app.addHook('onRequest', async (request) => {
    const { method, routeOptions, headers } = request;
    const route = routeOptions.url ?? 'unknown route';
    const parent = propagation.extract(context.active(), headers);
    const attributes = { 'http.request.method': method, 'http.route': route };
    const span = tracer.startSpan(`${method} ${route}`, { kind: SpanKind.SERVER, attributes }, parent);
    spans.set(request, { span, within: trace.setSpan(parent, span) });
  });
  // the body was read by then: its events would have lost the context
  app.addHook('preHandler', (request, _, done) => {
    const traced = spans.get(request);
    if (traced) context.with(traced.within, done);
    else done();
  });
  app.addHook('onResponse', async (request, reply) => {
    const span = spans.get(request)?.span;
    span?.setAttribute('http.response.status_code', reply.statusCode);
    if (reply.statusCode >= 500) span?.setStatus({ code: SpanStatusCode.ERROR });
    span?.end();
  });
  app.addHook('onRequestAbort', async (request) => spans.get(request)?.span.end());
}
