import type { Client } from '@temporalio/client';
import type { JobClient } from '../client';
import { judgeFailure } from './fate';

const LIMIT_MS = 5_000;

/**
 * Whether the store and Temporal answer, whatever they have to say of this job. Its limit is set since the
 * client itself tries for most of a minute.
 */
export async function probeParts(client: Client, jobs: JobClient, jobId: string): Promise<boolean> {
  try {
    await client.withDeadline(Date.now() + LIMIT_MS, async () => {
      await jobs.get(jobId);
      await jobs.whyWaiting(jobId);
    });
    return true;
  } catch (error) {
    return judgeFailure(error).kind === 'poison';
  }
}
