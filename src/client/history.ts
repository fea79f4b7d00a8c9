import type { Client } from '@temporalio/client';
import type { JobRecord } from '../job';
import { guard } from './guard';
import { findRun, recordOfRun } from './runs';

const NOT_FOUND = 5;
const UNIMPLEMENTED = 12;

/** Deletes every closed run of the job that Temporal still lists. Temporal does so in the background. */
export async function deleteHistory(client: Client, key: string): Promise<void> {
  for (const runId of await closedRuns(client, key)) {
    const deletion = client.workflowService.deleteWorkflowExecution({
      namespace: client.options.namespace,
      workflowExecution: { workflowId: key, runId },
    });
    await guard(deletion).catch((error: unknown) => ignore(error, NOT_FOUND, UNIMPLEMENTED));
  }
}

/**
 * The record of the latest run that speaks of the job: a run that had another input knows nothing of the
 * job that it missed, and is passed over.
 */
export async function latestRecord(client: Client, key: string): Promise<JobRecord | null> {
  const latest = await findRun(client, key);
  if (!latest) return null;
  const record = await recordOfRun(client, key, latest);
  if (record || latest.status !== 'FAILED') return record;
  for (const runId of await closedRuns(client, key)) {
    const earlier = await recordOfRun(client, key, { ...latest, runId, record: null });
    if (earlier) return earlier;
  }
  return null;
}

/** The ids of the closed runs of a job, newest first. */
async function closedRuns(client: Client, key: string): Promise<string[]> {
  const ids = new Set<string>();
  const run = await findRun(client, key);
  if (run && !run.isOpen) ids.add(run.runId);
  try {
    const listed = client.workflow.list({ query: `WorkflowId = '${key}'` })[Symbol.asyncIterator]();
    for (let next = await guard(listed.next()); !next.done; next = await guard(listed.next())) {
      if (next.value.status.name !== 'RUNNING') ids.add(next.value.runId);
    }
  } catch (error) {
    // the time-skipping server has no visibility: the latest run is all that it knows
    ignore((error as Error).cause ?? error, UNIMPLEMENTED);
  }
  return [...ids];
}

function ignore(error: unknown, ...codes: number[]): void {
  if (!codes.includes((error as { code?: number }).code ?? -1)) throw error;
}
