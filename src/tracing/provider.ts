import { type Span, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import type { Outcome, Started } from '../once/outcome';
import type { Provider } from '../provider/provider';
import type { ChatRequest } from '../tasks/task';

/**
 * The provider, each request of it a client span by OpenTelemetry's conventions for generative AI
 * (https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-spans/): model, tokens and outcome, never a prompt
 * or an answer. The provider itself is sent no trace.
 */
export function tracedProvider(provider: Provider): Provider {
  const tracer = trace.getTracer('infer-once');
  const { host, openaiApi } = provider;
  const traced = <T extends Outcome | Started>(request: ChatRequest, call: () => Promise<T>): Promise<T> => {
    const attributes = {
      'gen_ai.operation.name': 'chat',
      'gen_ai.provider.name': 'openai',
      'gen_ai.request.model': request.model,
      ...serverOf(host),
    };
    const options = { kind: SpanKind.CLIENT, attributes };
    return tracer.startActiveSpan(`chat ${request.model}`, options, async (span) => {
      try {
        const outcome = await call();
        describe(span, outcome);
        return outcome;
      } finally {
        span.end();
      }
    });
  };
  return {
    host,
    openaiApi,
    send: (task, request, ctx) => traced(request, () => provider.send(task, request, ctx)),
    background(task, request) {
      const start = provider.background?.(task, request);
      return start ? (ctx) => traced(request, () => start(ctx)) : null;
    },
    operations: provider.operations && ((task) => provider.operations!(task)),
    lookUp: (task) => provider.lookUp(task),
    forget: (...copies) => provider.forget(...copies),
    close: () => provider.close(),
  };
}

function serverOf(host: string) {
  const { hostname, port } = new URL(`http://${host}`);
  return { 'server.address': hostname, ...(port && { 'server.port': Number(port) }) };
}

function describe(span: Span, outcome: Outcome | Started): void {
  span.setAttribute('infer_once.outcome', outcome.kind);
  if (outcome.kind === 'started') return;
  if (outcome.kind !== 'answered' && outcome.kind !== 'bad_answer') {
    // a stable word; the reason of an unknown outcome is a sentence
    const isWord = outcome.kind === 'not_executed' || outcome.kind === 'stated_failure';
    span.setAttribute('error.type', isWord ? outcome.reason : outcome.kind);
    span.setStatus({ code: SpanStatusCode.ERROR });
    return;
  }
  const { model, usage } = outcome;
  if (model) span.setAttribute('gen_ai.response.model', model);
  if (usage?.input_tokens != null) span.setAttribute('gen_ai.usage.input_tokens', usage.input_tokens);
  if (usage?.output_tokens != null) span.setAttribute('gen_ai.usage.output_tokens', usage.output_tokens);
  if (outcome.kind === 'bad_answer') span.setAttribute('error.type', outcome.error.code);
}
