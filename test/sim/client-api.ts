import type { JobRecord } from '../../src/job';
import type { Proc } from './process';
import type { Temporal } from './temporal';
import * as names from './temporal-names';
import type { SimRun } from './workflow-run';

/** How often Temporal's frontend fails a client: before it did anything, or after. */
export interface FrontendTrouble {
  lost: number;
  doneThenLost: number;
}

interface RunName {
  workflowId: string;
  /** Default the latest. */
  runId?: string;
}

/** As gRPC says it. */
const NOT_FOUND = 5;

/** A Temporal client as one process has it, over the simulated server. */
export function createClient(temporal: Temporal, proc: Proc, trouble: FrontendTrouble) {
  const { world } = temporal;
  const latency = (): number => world.rng.between(1, 30);

  /** One request: it may be lost, done and then lost, or late. */
  function ask<T>(act: () => T): Promise<T> {
    return proc.ask<T>((resolve, reject) => {
      const fail = (): void => reject(new names.ServiceError('Temporal is away'));
      world.after(latency(), () => {
        const isStormy = world.stormy;
        if (isStormy && (world.now < temporal.awayUntil || world.rng.chance(trouble.lost))) {
          return void world.after(1000, fail);
        }
        let value: T;
        try {
          value = act();
        } catch (error) {
          return void world.after(latency(), () => reject(error));
        }
        if (isStormy && world.rng.chance(trouble.doneThenLost)) world.after(1000, fail);
        else world.after(latency(), () => resolve(value));
      });
    });
  }

  const find = (key: string, runId?: string): SimRun => {
    const run = temporal.find(key, runId);
    if (!run) throw new names.WorkflowNotFoundError(`no run of ${key}`);
    return run;
  };

  function untilEnd(key: string, runId?: string): Promise<JobRecord> {
    return proc.ask((resolve, reject) => {
      const follow = (run: SimRun): void =>
        run.onClosed(() => {
          if (run.next) follow(run.next);
          else if (run.status === 'COMPLETED') world.after(latency(), () => resolve(run.result!));
          else world.after(latency(), () => reject(new names.WorkflowFailedError(run.failure)));
        });
      world.after(latency(), () => {
        const run = temporal.find(key, runId);
        if (run) follow(run);
        else reject(new names.WorkflowNotFoundError(`no run of ${key}`));
      });
    });
  }

  /** A long poll for a run's last event. */
  function pollEnd({ workflowId, runId }: RunName): Promise<object> {
    return proc.ask((resolve, reject) => {
      world.after(latency(), () => {
        const run = temporal.find(workflowId, runId);
        if (!run)
          return void reject(Object.assign(new Error(`no run of ${workflowId}`), { code: NOT_FOUND }));
        run.onClosed(() => {
          const newExecutionRunId = run.next?.id;
          const end = run.next
            ? { workflowExecutionContinuedAsNewEventAttributes: { newExecutionRunId } }
            : {};
          world.after(latency(), () => resolve({ history: { events: [end] } }));
        });
      });
    });
  }

  /** A run's first event. */
  const askStart = ({ workflowId, runId }: RunName) =>
    ask(() => {
      const payloads = [{ value: find(workflowId, runId).arg }];
      return {
        history: { events: [{ workflowExecutionStartedEventAttributes: { input: { payloads } } }] },
      };
    });

  const handle = (key: string, runId?: string) => ({
    describe: () =>
      ask(() => {
        const run = find(key, runId);
        const { memo, id, status } = run;
        return { type: 'inferenceJob', memo, runId: id, status: { name: status }, startTime: new Date(0) };
      }),
    result: () => untilEnd(key, runId),
    query: (name: string) => ask(() => find(key, runId).query(name)),
    cancel: () =>
      ask(() => {
        const run = find(key, runId);
        if (!run.isOpen) throw new names.WorkflowNotFoundError('the run has closed');
        run.requestCancel();
      }),
    signal: (name: string) => ask(() => find(key, runId).signal(name)),
  });

  const askedAt = (): number => proc.lookedAt;

  return {
    options: { namespace: 'sim', loadedDataConverter: { payloadCodecs: [] } },
    connection: {},
    withAbortSignal: <T>(_: unknown, run: () => Promise<T>) => run(),
    workflowService: {
      getWorkflowExecutionHistory: ({
        execution,
        waitNewEvent,
      }: {
        execution: RunName;
        waitNewEvent?: boolean;
      }) => (waitNewEvent ? pollEnd(execution) : askStart(execution)),
      deleteWorkflowExecution: (request: { workflowExecution: { workflowId: string; runId: string } }) =>
        ask(() => temporal.forgetRun(request.workflowExecution.workflowId, request.workflowExecution.runId)),
    },
    workflow: {
      getHandle: handle,
      start: (_: string, options: names.StartOptions) => {
        const asked = askedAt();
        return ask(() => void temporal.start(options, asked));
      },
      executeUpdateWithStart: (
        _: string,
        {
          args,
          startWorkflowOperation,
        }: { args: [never]; startWorkflowOperation: { options: names.StartOptions } },
      ) => {
        const asked = askedAt();
        const { options } = startWorkflowOperation;
        return proc.ask<JobRecord>((resolve, reject) => {
          // a decision may be long on its way
          world.after(
            world.stormy && world.rng.chance(0.2) ? world.rng.between(100, 60_000) : latency(),
            () => {
              const last = temporal.latest(options.workflowId);
              try {
                const run = last?.isOpen ? last : temporal.start(options, asked);
                run.update({ request: args[0], resolve, reject });
              } catch (error) {
                reject(error);
              }
            },
          );
        });
      },
      async *list() {},
    },
  };
}
