import type { Client } from '@temporalio/client';
import { WorkflowNotFoundError } from '@temporalio/client';
import { guard } from './guard';

/** What is no news: the job is being worked on. */
const ORDINARY = new Set(['busy', 'superseded']);

/**
 * Why a job's run does not get on, in the words of its last attempt: a refused call, a worker with another
 * store, a store that is away. Null where nothing went wrong, or no run is open.
 */
export async function whyWaiting(client: Client, key: string): Promise<string | null> {
  try {
    const { raw } = await guard(client.workflow.getHandle(key).describe());
    const failure = raw.pendingActivities?.find(({ lastFailure }) => lastFailure)?.lastFailure;
    if (!failure || ORDINARY.has(failure.applicationFailureInfo?.type ?? '')) return null;
    return failure.message || null;
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return null;
    throw error;
  }
}
