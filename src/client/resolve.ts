import { isDeepStrictEqual } from 'node:util';
import {
  isGrpcServiceError,
  WithStartWorkflowOperation,
  WorkflowExecutionAlreadyStartedError,
  WorkflowIdConflictPolicy,
  WorkflowUpdateFailedError,
} from '@temporalio/client';
import { ApplicationFailure, type Workflow } from '@temporalio/common';
import { InvalidInputError, UnreachableError, WrongStateError } from '../errors';
import { type JobRecord, parseJobKey, WORKFLOW_TYPE } from '../job';
import { RESOLVE_UPDATE, type ResolveRequest, UNNAMED } from '../workflows/contract';
import { guard } from './guard';
import { restartArgument, type Scope } from './scope';
import { startOptions } from './start';

/** gRPC FAILED_PRECONDITION: the run's last tasks were lost with their worker, and it takes no update now. */
const NOT_READY = 9;

/**
 * Settles a doubt by the `resolve` update, started with a run where none is open: an operator may have
 * terminated it.
 *
 * @throws WrongStateError where the doubt named is not the present one; nothing changes
 * @throws UnreachableError where no worker takes the decision now; trying again is safe
 * @throws InvalidInputError where an adopted result does not fit the task
 */
export async function resolveJob(scope: Scope, key: string, request: ResolveRequest): Promise<JobRecord> {
  const { jobId } = parseJobKey(key);
  const record = await scope.records.read(key);
  // its run has closed and takes no update any more
  if (record?.status === 'COMPLETED' && isOnRecord(record, request)) return record;
  const { arg, digest } = await restartArgument(scope, key, record);
  const options = await startOptions(scope.client, { key, arg, digest, taskQueue: scope.taskQueue });
  const startWorkflowOperation = new WithStartWorkflowOperation(WORKFLOW_TYPE, {
    ...options,
    workflowIdConflictPolicy: WorkflowIdConflictPolicy.USE_EXISTING,
  });
  try {
    return await guard(
      scope.client.workflow.executeUpdateWithStart<Workflow, JobRecord, [ResolveRequest]>(RESOLVE_UPDATE, {
        args: [request],
        startWorkflowOperation,
      }),
    );
  } catch (error) {
    throw explain(error, jobId, record);
  }
}

/** True where this very decision counted before; whoever asks again never heard. */
function isOnRecord({ decisions, result }: JobRecord, request: ResolveRequest): boolean {
  const action = request.action === 'adopt_late' ? 'adopt' : request.action;
  const isMade = decisions.some(
    (made) => made.action === action && made.doubt === request.doubt && made.by === (request.by ?? UNNAMED),
  );
  return isMade && (request.action !== 'adopt' || isDeepStrictEqual(result, request.result));
}

function explain(error: unknown, jobId: string, record: JobRecord | null): unknown {
  if (error instanceof WorkflowExecutionAlreadyStartedError) {
    return new WrongStateError(jobId, 'it is COMPLETED, not in doubt', record ?? undefined);
  }
  if (isGrpcServiceError(error) && error.code === NOT_READY) {
    return new UnreachableError(
      'temporal',
      `No worker answers for the run of job ${jobId} just now; trying again is safe, a decision counts once.`,
      error,
    );
  }
  const cause = error instanceof WorkflowUpdateFailedError ? rootCause(error) : null;
  if (!cause) return error;
  if (cause.type === 'invalid_decision')
    return new InvalidInputError(jobId, cause.message, record ?? undefined);
  return new WrongStateError(jobId, cause.message, record ?? undefined);
}

/** The failure that the activity or the validator threw. */
function rootCause(error: Error): ApplicationFailure | null {
  let cause: unknown = error.cause;
  while (cause instanceof Error && !(cause instanceof ApplicationFailure)) cause = cause.cause;
  return cause instanceof ApplicationFailure ? cause : null;
}
