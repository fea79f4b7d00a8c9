import {
  type Client,
  WorkflowExecutionAlreadyStartedError,
  WorkflowIdConflictPolicy,
  WorkflowIdReusePolicy,
  type WorkflowStartOptions,
} from '@temporalio/client';
import { TypedSearchAttributes } from '@temporalio/common';
import { type JobArgument, MEMO_DIGEST, WORKFLOW_TYPE } from '../job';
import { startAttributes } from '../workflows/attributes';
import { guard } from './guard';
import { hasSearchAttributes } from './search-attributes';

/** One start of a job's workflow. */
export interface StartRequest {
  key: string;
  arg: JobArgument;
  digest: string;
  taskQueue: string;
  /** Refuse the start after any earlier run, not only after a completed one. */
  onlyFirst?: boolean;
}

/** Start options of the contract: the id's reuse after failures only, a conflict refused, the digest in the memo. */
export async function startOptions(client: Client, request: StartRequest) {
  const { key, arg, digest, taskQueue } = request;
  const attributes = (await hasSearchAttributes(client)) ? startAttributes(arg.task) : [];
  return {
    workflowId: key,
    taskQueue,
    args: [arg] as [JobArgument],
    workflowIdReusePolicy: request.onlyFirst
      ? WorkflowIdReusePolicy.REJECT_DUPLICATE
      : WorkflowIdReusePolicy.ALLOW_DUPLICATE_FAILED_ONLY,
    workflowIdConflictPolicy: WorkflowIdConflictPolicy.FAIL,
    memo: { [MEMO_DIGEST]: digest },
    staticSummary: `${arg.task} ${key}`.slice(0, 200),
    ...(attributes.length > 0 && { typedSearchAttributes: new TypedSearchAttributes(attributes) }),
  } satisfies WorkflowStartOptions;
}

/**
 * Starts a run.
 *
 * @returns false where one is open, or where the reuse policy refuses (it completed before)
 * @throws UnreachableError where Temporal is away
 */
export async function startRun(client: Client, request: StartRequest): Promise<boolean> {
  try {
    await guard(client.workflow.start(WORKFLOW_TYPE, await startOptions(client, request)));
    return true;
  } catch (error) {
    if (error instanceof WorkflowExecutionAlreadyStartedError) return false;
    throw error;
  }
}
