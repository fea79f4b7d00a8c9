import type { JobRecord } from '../../job';
import { checkHistory, type HistoryEvent, type Violation } from '../check-history';
import { COPIES } from './jobs';

/** A run in numbers. */
export interface Figures {
  jobs: number;
  /** Submissions that were acknowledged. */
  submissions: number;
  /** Calls that were paid for. */
  billed: number;
  /** Whose word that is: the stand-in's ledger, or, where the provider shows none, the jobs' records. */
  billed_by: 'ledger' | 'records';
  /** Submissions whose waiter was given an outcome. */
  answers: number;
  /** Jobs whose record is COMPLETED. */
  completed: number;
  /** Answers that were paid for, lost with the killed worker, and found again at the provider. */
  recovered: number;
  /** Submissions that cost nothing. */
  duplicates_avoided: number;
  /** From the first submission to the last answer. */
  seconds: number;
  /** List price of all calls; null where the model's price is not known. */
  cost_usd: number | null;
  /** Promises that were broken to a job. */
  violations: Violation[];
}

/** What is counted. */
export interface Counted {
  jobs: number;
  log: readonly HistoryEvent[];
  records: readonly JobRecord[];
  /** Whether the log has the provider's own ledger. */
  hasLedger: boolean;
  seconds: number;
}

/** Counts a run. */
export function countRun({ jobs, log, records, hasLedger, seconds }: Counted): Figures {
  const count = (type: HistoryEvent['type']) => log.filter((event) => event.type === type).length;
  const submissions = count('acknowledged');
  const billed = hasLedger ? count('called') : records.filter((record) => record.billed !== 'no').length;
  const costs = records.map(({ cost_usd }) => cost_usd);
  const isPriced = costs.length > 0 && costs.every((cost) => cost !== null);
  return {
    jobs,
    submissions,
    billed,
    billed_by: hasLedger ? 'ledger' : 'records',
    answers: count('answered'),
    completed: records.filter(({ status }) => status === 'COMPLETED').length,
    recovered: records.filter(({ source }) => source === 'recovered').length,
    duplicates_avoided: submissions - billed,
    seconds: Math.round(seconds * 10) / 10,
    cost_usd: isPriced ? costs.reduce((sum, cost) => sum! + cost!, 0) : null,
    violations: checkHistory(log),
  };
}

/** More broken promises than this are summed up. */
const SHOWN_VIOLATIONS = 5;

/**
 * Says what differs from a run in which each job was run once and every submission got its answer.
 *
 * @param figures - of the run
 * @param expectRecovered - whether a worker was killed with calls that must have been found again
 * @returns a sentence each; empty = all is well
 */
export function verdict(figures: Figures, expectRecovered: boolean): string[] {
  const { jobs, submissions, billed, billed_by, answers, completed, recovered, violations } = figures;
  const wanted = jobs * COPIES;
  const faults: string[] = [];
  if (submissions !== wanted) faults.push(`${submissions} of ${wanted} submissions were acknowledged.`);
  if (billed !== jobs) faults.push(`${billed} calls were billed for ${jobs} jobs, by the ${billed_by}.`);
  if (completed !== jobs) faults.push(`${completed} of ${jobs} jobs are COMPLETED.`);
  if (answers !== submissions) faults.push(`${answers} of ${submissions} submissions were answered.`);
  if (expectRecovered && recovered === 0) {
    faults.push('No answer had to be recovered, so the kill hit no call and proved nothing.');
  }
  faults.push(...violations.slice(0, SHOWN_VIOLATIONS).map(({ sentence }) => sentence));
  const more = violations.length - SHOWN_VIOLATIONS;
  if (more > 0) faults.push(`${more} more jobs were not treated as promised.`);
  return faults;
}
