import { type WorkflowHandle, WorkflowNotFoundError } from '@temporalio/client';
import { JobClient } from '../../src/client';
import { inputDigest } from '../../src/digest';
import type { JobRecord, JobStatus } from '../../src/job';
import type { Policy } from '../../src/once/policy';
import { submit } from '../../src/once/rules/submit';
import type { StoredJob } from '../../src/store/store';
import type { JobWorkerOptions } from '../../src/worker/create';
import { until } from '../support/until';
import { type RunningWorker, TEST_POLICY, type World } from '../support/world';

/** An input of `enrich`, and what the offline model answers to it. */
export const INPUT = { title: '  the   alien (1979)' };
export const RESULT = { normalized_title: 'The Alien (1979)', category: 'Science Fiction' };

export const enrichJob = (job_id: string, input: object = INPUT) => ({ job_id, task: 'enrich', input });

/** The error of a promise that must fail with one of this class. */
export async function errorOf<E extends Error>(
  act: Promise<unknown>,
  type: abstract new (...args: never[]) => E,
): Promise<E> {
  const error = await act.then(
    () => new Error('it did not fail'),
    (e: unknown) => e,
  );
  if (error instanceof type) return error;
  throw error;
}

/** Waits until the store has the job in this status. Skips no time, unlike a waiter. */
export function untilStatus(world: World, jobId: string, status: JobStatus): Promise<JobRecord> {
  return until(`${jobId} ${status}`, async () => {
    const record = await world.jobs.get(jobId);
    return record?.status === status && record;
  });
}

/** The row as the store has it, for "nothing changed". */
export async function rowOf(world: World, jobId: string): Promise<StoredJob> {
  const { job } = await world.store.read(jobId);
  if (!job) throw new Error(`no row of ${jobId}`);
  return job;
}

/** How the latest run stands, e.g. RUNNING. Skips no time, unlike the wait for its result. */
export async function runStatus(world: World, jobId: string): Promise<string | null> {
  try {
    return (await world.client.workflow.getHandle(jobId).describe()).status.name;
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return null;
    throw error;
  }
}

/** Waits until the latest run stands so, without skipping time. */
export async function untilRun(world: World, jobId: string, status: string): Promise<void> {
  await until(`the run of ${jobId} ${status}`, async () => (await runStatus(world, jobId)) === status);
}

/** A task queue of its own with a worker of other policies, and clients for it. */
export interface Lane {
  jobs: JobClient;
  bare: JobClient;
  worker: RunningWorker;
}

export async function addLane(
  world: World,
  taskQueue: string,
  { recovery, ...policy }: Partial<Policy> & { recovery?: 'stored' | 'background' | 'none' } = {},
  options: Partial<JobWorkerOptions> = {},
): Promise<Lane> {
  const { client, store } = world;
  const worker = await world.addWorker({
    taskQueue,
    recovery,
    ...options,
    policy: { ...TEST_POLICY, ...policy },
  });
  return {
    worker,
    jobs: new JobClient({ client, store, taskQueue }),
    bare: new JobClient({ client, taskQueue }),
  };
}

/** The model bills this job's next `times` calls, then resets the connection: nobody can know. */
export const losingAnswers = (job_id: string, times = 1) => ({
  match: { job_id },
  times,
  do: { reset: 'after_billing' as const },
});

/** A job on hold: paid for once, its answer lost, at a provider that keeps nothing. */
export async function putOnHold(world: World, { jobs }: Lane, jobId: string): Promise<JobRecord> {
  await world.model.rules(losingAnswers(jobId));
  await jobs.submit(enrichJob(jobId));
  const record = await until(`${jobId} on hold`, async () => {
    const seen = await jobs.get(jobId);
    return seen?.doubt?.recovering === false && seen;
  });
  // the run has seen the doubt too, and waits
  await until(`the run of ${jobId} on hold`, async () => {
    const seen = await handleOf(world, jobId).query<JobRecord | null>('record');
    return seen?.status === 'IN_DOUBT';
  });
  await world.model.rules();
  return record;
}

export const handleOf = (world: World, jobId: string): WorkflowHandle =>
  world.client.workflow.getHandle(jobId);

/** What a bare Temporal client in any language does. */
export const startBare = (world: World, jobId: string, arg: object, taskQueue = 'inference') =>
  world.client.workflow.start('inferenceJob', { workflowId: jobId, taskQueue, args: [arg] });

/** The row that a submitter leaves who dies between its row and its start. */
export async function writeOrphan(world: World, jobId: string, input: object = INPUT): Promise<void> {
  const input_digest = inputDigest(jobId, 'enrich', input);
  const input_json = JSON.stringify(input);
  await world.store.update(
    jobId,
    submit({ key: jobId, task: 'enrich', task_version: null, input_digest, input_json }),
  );
}
