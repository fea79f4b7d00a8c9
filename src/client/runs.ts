import {
  type Client,
  type WorkflowExecutionDescription,
  WorkflowFailedError,
  type WorkflowHandle,
  WorkflowNotFoundError,
} from '@temporalio/client';
import {
  ApplicationFailure,
  CancelledFailure,
  defaultPayloadConverter,
  type Payload,
} from '@temporalio/common';
import { inputDigest } from '../digest';
import { IdInUseError } from '../errors';
import {
  type JobArgument,
  type JobRecord,
  MEMO_DIGEST,
  MEMO_RECORD,
  parseJobKey,
  pendingRecord,
  WORKFLOW_TYPE,
} from '../job';
import { RECORD_QUERY } from '../workflows/contract';
import { guard } from './guard';

/** The latest run of a job, as Temporal knows it. */
export interface JobRun {
  runId: string;
  isOpen: boolean;
  status: WorkflowExecutionDescription['status']['name'];
  /** Of the memo; without one (a bare client), of the argument. */
  digest: string;
  startedAt: Date;
  /** Of a canceled run. */
  record: JobRecord | null;
}

/** The latest run of this id, or null. @throws IdInUseError where it is no job of ours */
export async function findRun(client: Client, key: string): Promise<JobRun | null> {
  const handle = client.workflow.getHandle(key);
  let description: WorkflowExecutionDescription;
  try {
    description = await guard(handle.describe());
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return null;
    throw error;
  }
  const { jobId } = parseJobKey(key);
  if (description.type !== WORKFLOW_TYPE) throw new IdInUseError(jobId, description.type);
  const memo = description.memo?.[MEMO_DIGEST];
  return {
    runId: description.runId,
    isOpen: description.status.name === 'RUNNING',
    status: description.status.name,
    digest: typeof memo === 'string' ? memo : await digestOfArgument(client, key, description.runId),
    startedAt: description.startTime,
    record: canceledRecord(description),
  };
}

/** A Reset copies the memo to a run that is not canceled. */
function canceledRecord({ status, memo }: WorkflowExecutionDescription): JobRecord | null {
  return status.name === 'CANCELLED' ? ((memo?.[MEMO_RECORD] as JobRecord | undefined) ?? null) : null;
}

/** The run's own argument, from its first event. */
export async function readArgument(client: Client, key: string, runId: string): Promise<JobArgument> {
  const { history } = await guard(
    client.workflowService.getWorkflowExecutionHistory({
      namespace: client.options.namespace,
      execution: { workflowId: key, runId },
      maximumPageSize: 1,
    }),
  );
  const payload = history?.events?.[0]?.workflowExecutionStartedEventAttributes?.input?.payloads?.[0];
  const { payloadCodecs = [] } = client.options.loadedDataConverter;
  let decoded = payload ? [payload as Payload] : [];
  for (const codec of payloadCodecs) decoded = await codec.decode(decoded);
  const arg = decoded[0] ? defaultPayloadConverter.fromPayload<JobArgument | null>(decoded[0]) : null;
  return typeof arg === 'object' && arg !== null ? arg : { task: '' };
}

async function digestOfArgument(client: Client, key: string, runId: string): Promise<string> {
  const arg = await readArgument(client, key, runId);
  if (arg.input === undefined && arg.input_ref) return arg.input_ref;
  try {
    return inputDigest(parseJobKey(key).jobId, arg.task, arg.input);
  } catch {
    return 'unreadable';
  }
}

/** Resolves when this run has closed, however it ended. */
export async function untilClosed(handle: Pick<WorkflowHandle, 'result'>): Promise<void> {
  try {
    await guard(handle.result());
  } catch (error) {
    if (!(error instanceof WorkflowFailedError || error instanceof WorkflowNotFoundError)) throw error;
  }
}

/**
 * The record as a run tells it, for clients without a store: a closed run's result or failure, an open
 * one's query. Null where a closed run says nothing of it (terminated, timed out, mismatched, deleted).
 */
export async function recordOfRun(client: Client, key: string, run: JobRun): Promise<JobRecord | null> {
  const handle = client.workflow.getHandle(key, run.runId);
  if (run.isOpen) {
    const record = await queryRecord(handle);
    if (record) return { ...record, input_digest: record.input_digest || run.digest };
    const { task } = await readArgument(client, key, run.runId);
    return pendingRecord(parseJobKey(key).jobId, task, run.digest, run.startedAt);
  }
  if (run.record) return run.record;
  try {
    return (await guard(handle.result())) as JobRecord;
  } catch (error) {
    // `forget` or retention has deleted it since it was found
    if (error instanceof WorkflowNotFoundError) return null;
    if (!(error instanceof WorkflowFailedError)) throw error;
    const { cause } = error;
    const isOurs = cause instanceof ApplicationFailure || cause instanceof CancelledFailure;
    return (isOurs && (cause.details?.[0] as JobRecord | undefined)) || null;
  }
}

/** Null where no worker is up to answer; the run itself is there all the same. */
async function queryRecord(handle: WorkflowHandle): Promise<JobRecord | null> {
  try {
    return await guard(handle.query<JobRecord>(RECORD_QUERY));
  } catch {
    return null;
  }
}
