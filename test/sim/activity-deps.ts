import type { OnceEvent } from '../../src/once/env';
import type { Outcome, SendContext, Started } from '../../src/once/outcome';
import { operationsOf } from './operations';
import type { SimSignal } from './signals';
import type { InferAttempt, WorkerWorld } from './worker';

/** What the production code renders for a call: `user` is the input's name. */
interface Request {
  user: string;
}

/** The dependencies that the production activities are given, for one attempt. */
export function makeDeps(outside: WorkerWorld, infer: InferAttempt, graceIsOver: SimSignal) {
  const { proc } = infer;
  const { watch, store, provider, policy } = outside;
  const tell = (callId: string, outcome: Outcome): void => {
    if (outcome.kind === 'answered') watch.reached(infer, callId, 'look-up');
    if (outcome.kind === 'stated_failure') watch.stated();
  };
  const task = makeTask((input) => outside.refuses(proc.name, input));
  return {
    store: store.connect({ proc, infer }),
    provider: {
      host: 'sim',
      openaiApi: true,
      send: (_: unknown, request: Request, ctx: SendContext) =>
        sendFrom<Outcome>(outside, infer, request, ctx),
      lookUp: () =>
        provider.recovery !== 'stored'
          ? null
          : ({ callIds }: { callIds: string[] }) =>
              provider.lookUp(proc, callIds, (found) => {
                for (const { call_id, outcome } of found) tell(call_id, outcome);
              }),
      ...(provider.recovery === 'background' && {
        background: (_: unknown, request: Request) => (ctx: SendContext) =>
          sendFrom<Outcome | Started>(outside, infer, request, ctx),
        operations: () => operationsOf(provider, proc, tell),
      }),
    },
    tasks: { names: () => ['sim'], get: () => task },
    policy,
    heartbeatTimeoutMs: outside.heartbeatTimeoutMs,
    hasSearchAttributes: false,
    shutdown: graceIsOver,
    clock: proc.clock(),
    log: logTo((line) => watch.event(infer, line)),
  };
}

/** Sends, or starts, one call; tells the watcher what comes into the living process. */
function sendFrom<T extends Outcome | Started>(
  { watch, provider, world, atSend }: WorkerWorld,
  infer: InferAttempt,
  request: Request,
  ctx: SendContext,
): Promise<T> {
  const { proc } = infer;
  watch.sending(infer, ctx.call_id);
  atSend(proc);
  ctx.signal.addEventListener('abort', () => watch.aborted(infer, ctx.call_id));
  return provider.send<T>(proc, request.user, ctx, (outcome) => {
    world.log(proc.name, () => `${ctx.call_id} comes to: ${outcome.kind}`);
    if (outcome.kind === 'answered') watch.reached(infer, ctx.call_id, 'call');
    if (outcome.kind === 'started') watch.started(infer, ctx.call_id);
    if (outcome.kind === 'stated_failure') watch.stated();
  });
}

/** A task whose input is a name, which the answer repeats. */
function makeTask(refuses: (input: unknown) => boolean) {
  return {
    name: 'sim',
    version: '1',
    input: {
      safeParse: (data: unknown) =>
        refuses(data)
          ? { success: false, error: { issues: [{ path: [], message: 'refused by this version' }] } }
          : { success: true, data },
    },
    output: { safeParse: (data: unknown) => ({ success: true, data }) },
    request: (input: { name: string }) => ({
      model: 'sim',
      messages: [{ role: 'user', content: input.name }],
      user: input.name,
    }),
  };
}

function logTo(tell: (event: OnceEvent) => void) {
  const write = ({ job_id, ...fields }: { job_id: string }, event: string) =>
    tell({ ...fields, event, key: job_id } as unknown as OnceEvent);
  return { info: write, warn: write, error: write };
}
