import canonicalize from 'canonicalize';
import type { JobStatus } from '../../job';

/** Something that was seen in a run, by whom it concerns. The order of a log does not matter. */
export type RunEvent =
  /** A submission was taken: from here on the job must not be lost. */
  | { type: 'acknowledged'; job_id: string; by: string }
  /** A submission's waiter was given an outcome. */
  | { type: 'answered'; job_id: string; by: string; status: JobStatus; result: unknown }
  /** A submission was refused, or its waiter got no outcome. */
  | { type: 'unanswered'; job_id: string; by: string; why: string }
  /** The provider charged for a call; null = one that names no job. */
  | { type: 'billed'; job_id: string | null; call: string }
  /** What the store has of a job at the end. */
  | { type: 'record'; job_id: string; status: JobStatus; result: unknown };

/** A promise that a run broke. */
export interface Violation {
  promise: 'one call' | 'one answer' | 'nothing lost';
  job_id: string | null;
  /** For people. */
  sentence: string;
}

/**
 * Checks a run against what every job is promised: at most one billed call; one answer, the record's, for
 * every submission; and no acknowledged job that is not COMPLETED at the end.
 *
 * @returns what was broken, job by job; empty where all was kept
 *
 * @example
 * checkRun([
 *   { type: 'billed', job_id: 'a', call: 'c1' },
 *   { type: 'billed', job_id: 'a', call: 'c2' },
 * ]); // [{ promise: 'one call', job_id: 'a', sentence: 'Job a was billed 2 times (calls c1, c2).' }]
 */
export function checkRun(log: readonly RunEvent[]): Violation[] {
  const jobs = new Map<string | null, RunEvent[]>();
  for (const event of log) jobs.set(event.job_id, [...(jobs.get(event.job_id) ?? []), event]);
  return [...jobs].flatMap(([jobId, events]) =>
    jobId === null
      ? checkNobodys(events)
      : [...checkOneCall(jobId, events), ...checkOneAnswer(jobId, events), ...checkNotLost(jobId, events)],
  );
}

type Picked<T extends RunEvent['type']> = Extract<RunEvent, { type: T }>;

function pick<T extends RunEvent['type']>(events: readonly RunEvent[], type: T): Picked<T>[] {
  return events.filter((event): event is Picked<T> => event.type === type);
}

function checkNobodys(events: readonly RunEvent[]): Violation[] {
  return pick(events, 'billed').map(({ call }) => ({
    promise: 'one call',
    job_id: null,
    sentence: `Call ${call} was billed and belongs to no job.`,
  }));
}

function checkOneCall(jobId: string, events: readonly RunEvent[]): Violation[] {
  const calls = pick(events, 'billed').map(({ call }) => call);
  if (calls.length <= 1) return [];
  const sentence = `Job ${jobId} was billed ${calls.length} times (calls ${calls.join(', ')}).`;
  return [{ promise: 'one call', job_id: jobId, sentence }];
}

/** The record counts as one more answer: whoever asks tomorrow is told by it. */
function checkOneAnswer(jobId: string, events: readonly RunEvent[]): Violation[] {
  const told = [...pick(events, 'answered'), ...pick(events, 'record')];
  const different = new Set(told.map(({ status, result }) => canonicalize({ status, result })));
  if (different.size <= 1) return [];
  const who = pick(events, 'answered').map(({ by, status }) => `${by}: ${status}`);
  const sentence = `Job ${jobId} has ${different.size} different answers (${who.join(', ')}, and the record).`;
  return [{ promise: 'one answer', job_id: jobId, sentence }];
}

function checkNotLost(jobId: string, events: readonly RunEvent[]): Violation[] {
  if (pick(events, 'acknowledged').length === 0) return [];
  const record = pick(events, 'record').at(-1);
  if (record?.status === 'COMPLETED') return [];
  const state = record ? `is ${record.status}` : 'has no record';
  const sentence = `Job ${jobId} was acknowledged and ${state}.`;
  return [{ promise: 'nothing lost', job_id: jobId, sentence }];
}
