import type { Proc } from './process';
import { CancelledFailure } from './temporal-names';
import type { InferAttempt } from './worker';

/** How a worker process reaches Temporal. */
export interface ServerLine {
  /** It reaches nobody there until then. */
  readonly cutOffUntil: number;
  toServer(proc: Proc, arrive: () => void): void;
}

/** `Context.current()` of one attempt: heartbeats go out, and what the server says of them comes back. */
export function makeContext(infer: InferAttempt, line: ServerLine, heartbeatTimeoutMs: number) {
  const { attempt, proc } = infer;
  const { task } = attempt;
  const { world } = proc;
  const { temporal } = task.run;
  let reject: (error: Error) => void = () => undefined;
  const cancelled = new Promise<never>((_, no) => {
    reject = no;
  });
  cancelled.catch(() => undefined);
  const context = {
    info: {
      workflowExecution: { workflowId: task.run.key, runId: task.run.id },
      attempt: attempt.number,
      heartbeatDetails: task.heartbeatDetails,
    },
    cancelled,
    cancellationDetails: undefined as Record<string, boolean> | undefined,
    client: {
      workflow: {
        getHandle: (key: string) => ({
          signal: async (name: string) => line.toServer(proc, () => temporal.latest(key)?.signal(name)),
        }),
      },
    },
    heartbeat: (details: unknown) => beat(details),
  };
  attempt.cancel = (details) => {
    if (details.workerShutdown) {
      infer.isShutDown = true;
      // the SDK says nothing of it to an attempt that was told something before
      if (context.cancellationDetails) return;
    }
    // told anew, it only changes the details: the promise has rejected by then
    context.cancellationDetails = { ...context.cancellationDetails, ...details };
    infer.isCanceled ||= details.cancelRequested === true;
    world.log(
      proc.name,
      () => `${task.run.id} ${task.name} #${attempt.number} is told ${Object.keys(details)}`,
    );
    reject(new CancelledFailure('cancelled'));
  };
  // the SDK holds heartbeats back, but sends one well before their time-out
  let nextBeat = 0;
  const beat = (details: unknown): void => {
    if (proc.isDead || world.now < nextBeat || world.now < line.cutOffUntil) return;
    nextBeat = world.now + 0.6 * heartbeatTimeoutMs;
    world.after(world.rng.between(1, 30), () => {
      const answer = task.beat(attempt, details);
      if (answer === 'ok') return;
      const told: Record<string, boolean> =
        answer === 'cancel' ? { cancelRequested: true } : { notFound: true };
      world.after(world.rng.between(1, 30), () => proc.enter(() => attempt.cancel(told)));
    });
  };
  return context;
}
