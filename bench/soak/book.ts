import { checkHistory, type HistoryEvent, type Violation } from '../../src/dev/check-history';
import { loadRecord } from '../../src/once/record';
import type { ResultStore } from '../../src/store/store';
import type { LedgerReader } from './ledger';

/** What came of the jobs so far. */
export interface Sums {
  /** That have begun. */
  jobs: number;
  completed: number;
  /** Found again at the provider after their worker had died. */
  recovered: number;
  /** Decided by an operator, who allowed one call more. */
  rerun: number;
  billed: number;
}

/**
 * What was seen of the jobs, and whether it keeps the promises. Jobs that have ended are checked from time to time and
 * then struck off: a soak of hours would else run out of memory by its own notes.
 */
export class Book {
  readonly violations: Violation[] = [];
  readonly sums: Sums = { jobs: 0, completed: 0, recovered: 0, rerun: 0, billed: 0 };
  private readonly events = new Map<string, HistoryEvent[]>();
  private ended: string[] = [];
  /** Calls of jobs that are not checked yet. */
  private readonly calls = new Map<string, string[]>();
  /** Jobs that have begun and are not struck off. Those that are would be ever more, and look like a leak. */
  private readonly open = new Set<string>();

  constructor(
    private readonly store: ResultStore,
    private readonly ledger: LedgerReader,
  ) {}

  /** Before anybody asks for the job for the first time. */
  hasBegun(job: string): void {
    this.open.add(job);
    this.sums.jobs += 1;
  }

  note(event: HistoryEvent & { job: string }): void {
    const events = this.events.get(event.job);
    if (events) events.push(event);
    else this.events.set(event.job, [event]);
  }

  /** Nobody will be told of this job any more but those who ask again later. */
  hasEnded(job: string): void {
    this.ended.push(job);
  }

  /** Checks the jobs that have ended, or, with `all`, every one. */
  async check({ all = false } = {}): Promise<void> {
    const jobs = all ? new Set([...this.open, ...this.events.keys()]) : this.ended;
    this.ended = [];
    this.readCalls();
    for (const job of jobs) {
      const seen = await this.seenOf(job);
      this.violations.push(...checkHistory(seen));
      this.open.delete(job);
      this.events.delete(job);
      this.calls.delete(job);
    }
  }

  private readCalls(): void {
    for (const { job, call } of this.ledger.next()) {
      this.sums.billed += 1;
      if (job === null) this.violations.push(...checkHistory([{ type: 'called', job, call }]));
      else if (!this.open.has(job)) this.tooLate(job, call);
      else this.calls.set(job, [...(this.calls.get(job) ?? []), call]);
    }
  }

  private tooLate(job: string, call: string): void {
    const sentence = `Job ${job} was called (${call}) after it had ended, or before anybody asked for it.`;
    this.violations.push({ promise: 'one call', job, sentence });
  }

  private async seenOf(job: string): Promise<HistoryEvent[]> {
    const seen: HistoryEvent[] = [...(this.events.get(job) ?? [])];
    for (const call of this.calls.get(job) ?? []) seen.push({ type: 'called', job, call });
    const { job: row } = await this.store.read(job);
    // one that was asked for again after it was checked has been counted
    const isNew = this.open.has(job);
    if (!row) return seen;
    const record = await loadRecord(this.store, row);
    seen.push({ type: 'recorded', job, record });
    for (const { action, doubt } of record.decisions) {
      if (action === 'rerun') seen.push({ type: 'allowed', job, why: 'rerun', token: doubt });
    }
    if (isNew && record.status === 'COMPLETED') this.sums.completed += 1;
    if (isNew && record.source === 'recovered') this.sums.recovered += 1;
    if (isNew && record.decisions.length > 0) this.sums.rerun += 1;
    return seen;
  }
}
