import type { JobRecord } from '../../src/job';

/** One thing that happened to a job, as seen from outside: by its callers, its provider and its operators. */
export type HistoryEvent =
  /** Whoever had submitted the input with digest `submitted` was given this record. */
  | { type: 'answered'; job: string; submitted: string; record: Answer }
  /** A call reached the provider: it may have been paid for. */
  | { type: 'called'; job: string; call_id: string }
  /** Somebody's `retry` or `rerun`, or the job's policy, allowed one call more. */
  | { type: 'allowed'; job: string; why: 'retry' | 'rerun' };

/** The part of a record that the promises are about. */
export type Answer = Pick<JobRecord, 'status' | 'token' | 'result' | 'input_digest'>;

interface JobView {
  calls: string[];
  allowed: number;
  completed: { token: number; result: string } | null;
}

/**
 * Checks the promises of the README over what was seen of any number of jobs: at most one call each, one
 * result, nothing acknowledged is lost, never another input's answer.
 *
 * @param events - in the order in which they happened
 * @returns one sentence for each promise that was broken; empty where all were kept
 *
 * @example
 * expect(checkHistory(events)).toEqual([]);
 */
export function checkHistory(events: Iterable<HistoryEvent>): string[] {
  const jobs = new Map<string, JobView>();
  const broken: string[] = [];
  for (const event of events) {
    const { job } = event;
    const view = jobs.get(job) ?? { calls: [], allowed: 1, completed: null };
    jobs.set(job, view);
    const fault = take(view, event);
    if (fault) broken.push(`job ${job}: ${fault}`);
  }
  for (const [job, { calls, allowed }] of jobs) {
    if (calls.length <= allowed) continue;
    broken.push(
      `job ${job}: ${calls.length} calls may have been paid for, ${allowed} allowed (${calls.join(', ')})`,
    );
  }
  return broken;
}

function take(view: JobView, event: HistoryEvent): string | null {
  switch (event.type) {
    case 'called':
      view.calls.push(event.call_id);
      return null;
    case 'allowed':
      view.allowed += 1;
      return null;
    case 'answered':
      return takeAnswer(view, event);
  }
}

function takeAnswer(view: JobView, event: Extract<HistoryEvent, { type: 'answered' }>): string | null {
  const { status, token, input_digest } = event.record;
  const { completed } = view;
  if (status !== 'COMPLETED') {
    const isLost = completed !== null && status !== 'FORGOTTEN' && token > completed.token;
    return isLost ? `it was COMPLETED at token ${completed.token} and is ${status} at ${token}` : null;
  }
  if (input_digest !== event.submitted) {
    return `whoever submitted ${event.submitted} was given the answer to ${input_digest}`;
  }
  const result = JSON.stringify(event.record.result);
  view.completed ??= { token, result };
  if (result !== view.completed.result)
    return `two results were given: ${view.completed.result} and ${result}`;
  return null;
}
