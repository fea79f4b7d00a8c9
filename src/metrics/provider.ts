import type { Outcome, Started } from '../once/outcome';
import type { Provider } from '../provider/provider';
import type { ChatRequest, Task } from '../tasks/task';
import type { Metrics } from './metrics';

/** The provider, heard: how long each request took and what became of it. It says nothing of the bill: rows do. */
export function meteredProvider(provider: Provider, metrics: Metrics): Provider {
  const timed = async <T extends Outcome | Started>(
    { name }: Task,
    request: ChatRequest,
    call: Promise<T>,
  ): Promise<T> => {
    const end = metrics.callSeconds.startTimer();
    const outcome = await call;
    // on OpenAI's routes a caller names the model; what the provider refuses may be any text, and takes no place
    const model = outcome.kind === 'rejected' ? 'unknown' : metrics.model(request.model);
    end({ model, outcome: outcome.kind });
    const reason = refusalOf(outcome);
    if (reason) metrics.refused.inc({ task: metrics.task(name), reason });
    return outcome;
  };
  return {
    host: provider.host,
    openaiApi: provider.openaiApi,
    operations: provider.operations && ((task) => provider.operations!(task)),
    lookUp: (task) => provider.lookUp(task),
    forget: (...copies) => provider.forget(...copies),
    close: () => provider.close(),
    send: (task, request, ctx) => timed(task, request, provider.send(task, request, ctx)),
    background(task, request) {
      const start = provider.background?.(task, request);
      return start ? (ctx) => timed(task, request, start(ctx)) : null;
    },
  };
}

/** A stable word; what a provider says in its own words is in no label. */
function refusalOf(outcome: Outcome | Started): string | null {
  if (outcome.kind === 'rejected') return 'rejected';
  return outcome.kind === 'not_executed' || outcome.kind === 'stated_failure' ? outcome.reason : null;
}
