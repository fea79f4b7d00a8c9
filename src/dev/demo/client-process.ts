import { once } from 'node:events';
import { JobClient } from '../../client';
import { connectClient } from '../../client/connect';
import { forMany } from '../../client/many';
import type { JobInput } from '../../client/types';
import { inputDigest } from '../../digest';
import { UserError } from '../../errors';
import type { JobRecord } from '../../job';
import { openStore } from '../../store/open';
import type { ClientMessage, ClientTask } from './client-messages';
import { submissionsOf } from './jobs';

/** Submissions under way at once in one client. */
const CONCURRENCY = 60;

/** One of the demo's two clients: submits its share when told to, and tells what became of each. */
async function main({ client: number, jobs: count, timeoutMs }: ClientTask): Promise<void> {
  const by = `client ${number + 1}`;
  const client = await connectClient();
  const store = await openStore(process.env.INFER_ONCE_STORE_URL!);
  const jobs = new JobClient({ client, store });
  const submissions = submissionsOf(number, count);
  tell({ type: 'ready' });
  await once(process, 'message');
  const submit = (job: JobInput) => submitAndWait(jobs, job, by, timeoutMs);
  for await (const end of forMany(submissions, CONCURRENCY, submit)) {
    if (end.error) tell({ type: 'unanswered', job: end.job_id, by, why: end.error.message });
    else tell(end.answer);
  }
  tell({ type: 'done' });
  await client.connection.close();
  await store.close();
  process.disconnect();
}

async function submitAndWait(
  jobs: JobClient,
  job: JobInput,
  by: string,
  timeoutMs: number,
): Promise<ClientMessage> {
  const { job_id, task, input } = job;
  await jobs.submit(job);
  tell({ type: 'acknowledged', job: job_id, by });
  const { status, token, result, input_digest } = await outcomeOf(jobs.wait(job_id, { timeoutMs }));
  const submitted = inputDigest(job_id, task as string, input);
  const record = { status, token, result, input_digest };
  return { type: 'answered', job: job_id, by, submitted, record };
}

/** A job that failed or was canceled has an outcome too; one in doubt or too late has none. */
async function outcomeOf(waited: Promise<JobRecord>): Promise<JobRecord> {
  try {
    return await waited;
  } catch (error) {
    const { record } = error as { record?: JobRecord };
    if (record?.status === 'FAILED' || record?.status === 'CANCELED') return record;
    throw error;
  }
}

function tell(message: ClientMessage): void {
  process.send!(message);
}

// the parent has died: nobody waits for these answers
process.once('disconnect', () => process.exit(1));

main(JSON.parse(process.argv[2]!) as ClientTask).then(
  () => process.exit(0),
  (error: unknown) => {
    process.stderr.write(`${error instanceof UserError ? error.message : (error as Error).stack}\n`);
    process.exit(1);
  },
);
