import canonicalize from 'canonicalize';
import { isSettled, type JobRecord } from '../job';

/** The part of a record that the promises are about. */
export type Answer = Pick<JobRecord, 'status' | 'token' | 'result' | 'input_digest'>;

/**
 * One thing that was seen of a job from outside: by its callers, its provider, its operators and the store.
 * The order of a log does not matter: records carry their token.
 */
export type HistoryEvent =
  /** A submission was taken: from here on the job must not be lost. */
  | { type: 'acknowledged'; job: string; by: string }
  /** Whoever had submitted the input with digest `submitted` was given this record. */
  | { type: 'answered'; job: string; by: string; submitted: string; record: Answer }
  /** A submission was refused, or its waiter was given nothing. */
  | { type: 'unanswered'; job: string; by: string; why: string }
  /** A call reached the provider, and may have been paid for; null = one that names no job. */
  | { type: 'called'; job: string | null; call: string }
  /**
   * Somebody's `retry` or `rerun`, or the job's policy, allowed one call more. `token` is of the failure or
   * the doubt that was answered so: of two who answer the same one, the second joins and allows nothing.
   */
  | { type: 'allowed'; job: string; why: 'retry' | 'rerun'; token: number }
  /** What the store has of the job at the end. */
  | { type: 'recorded'; job: string; record: Answer };

/** A promise that was broken to a job. */
export interface Violation {
  promise: 'one call' | 'one answer' | 'nothing lost' | 'own answer';
  job: string | null;
  /** For people. */
  sentence: string;
}

type Seen<T extends HistoryEvent['type']> = Extract<HistoryEvent, { type: T }>;

/**
 * Checks what was seen of any number of jobs against what each is promised (README): at most one call, one
 * answer, nothing acknowledged is lost, never another input's answer.
 *
 * @returns what was broken, job by job; empty where every promise was kept
 *
 * @example
 * checkHistory([
 *   { type: 'called', job: 'a', call: 'c1' },
 *   { type: 'called', job: 'a', call: 'c2' },
 * ]); // [{ promise: 'one call', job: 'a', sentence: 'Job a was called 2 times where 1 was allowed (c1, c2).' }]
 */
export function checkHistory(log: Iterable<HistoryEvent>): Violation[] {
  const jobs = new Map<string | null, HistoryEvent[]>();
  for (const event of log) {
    const events = jobs.get(event.job);
    if (events) events.push(event);
    else jobs.set(event.job, [event]);
  }
  return [...jobs].flatMap(([job, events]) => {
    const breaks = job === null ? checkNobodys(events) : CHECKS.flatMap((check) => check(job, events));
    return breaks.map(([promise, sentence]) => ({ promise, job, sentence }));
  });
}

type Break = [Violation['promise'], string];

const CHECKS = [checkOneCall, checkOneAnswer, checkKept, checkAcknowledged, checkOwnAnswer];

function pick<T extends HistoryEvent['type']>(events: readonly HistoryEvent[], type: T): Seen<T>[] {
  return events.filter((event): event is Seen<T> => event.type === type);
}

function checkNobodys(events: readonly HistoryEvent[]): Break[] {
  return pick(events, 'called').map(({ call }) => [
    'one call',
    `Call ${call} may have been paid for and belongs to no job.`,
  ]);
}

function checkOneCall(job: string, events: readonly HistoryEvent[]): Break[] {
  const calls = pick(events, 'called').map(({ call }) => call);
  const allowed = 1 + new Set(pick(events, 'allowed').map(({ token }) => token)).size;
  if (calls.length <= allowed) return [];
  const counts = `${calls.length} times where ${allowed} ${allowed === 1 ? 'was' : 'were'} allowed`;
  return [['one call', `Job ${job} was called ${counts} (${calls.join(', ')}).`]];
}

/** The store's record counts as one more answer: whoever asks tomorrow is told by it. */
function told(events: readonly HistoryEvent[]): Answer[] {
  return [...pick(events, 'answered'), ...pick(events, 'recorded')].map(({ record }) => record);
}

/** All results are one, and whatever was told of one token is one. */
function checkOneAnswer(job: string, events: readonly HistoryEvent[]): Break[] {
  const settled = told(events).filter(({ status }) => isSettled(status));
  const answers = new Map<string, Set<string>>();
  for (const { status, token, result } of settled) {
    const answer = canonicalize({ status, result }) as string;
    const groups = status === 'COMPLETED' ? [`token ${token}`, 'all'] : [`token ${token}`];
    for (const group of groups) answers.set(group, (answers.get(group) ?? new Set()).add(answer));
  }
  const most = Math.max(0, ...[...answers.values()].map(({ size }) => size));
  if (most <= 1) return [];
  const who = pick(events, 'answered').map(({ by, record }) => `${by}: ${record.status} at ${record.token}`);
  return [['one answer', `Job ${job} has ${most} different answers (${who.join(', ')}, and the record).`]];
}

function checkKept(job: string, events: readonly HistoryEvent[]): Break[] {
  const answers = told(events);
  const completed = answers.find(({ status }) => status === 'COMPLETED');
  const lost = answers.find(
    ({ status, token }) =>
      completed && status !== 'COMPLETED' && status !== 'FORGOTTEN' && token > completed.token,
  );
  if (!completed || !lost) return [];
  const change = `was COMPLETED at token ${completed.token} and is ${lost.status} at ${lost.token}`;
  return [['nothing lost', `Job ${job} ${change}.`]];
}

function checkAcknowledged(job: string, events: readonly HistoryEvent[]): Break[] {
  if (pick(events, 'acknowledged').length === 0) return [];
  const record = pick(events, 'recorded').at(-1)?.record;
  if (record && (isSettled(record.status) || record.status === 'IN_DOUBT')) return [];
  const state = record ? `is ${record.status}` : 'has no record';
  return [['nothing lost', `Job ${job} was acknowledged and ${state}.`]];
}

function checkOwnAnswer(job: string, events: readonly HistoryEvent[]): Break[] {
  return pick(events, 'answered')
    .filter(({ submitted, record }) => record.status === 'COMPLETED' && record.input_digest !== submitted)
    .map(({ by, submitted, record }) => [
      'own answer',
      `Job ${job}: ${by} submitted ${submitted} and was given the answer to ${record.input_digest}.`,
    ]);
}
