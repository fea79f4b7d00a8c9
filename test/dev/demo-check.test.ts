import type { HistoryEvent } from '../../src/dev/check-history';
import { countRun, type Figures, verdict } from '../../src/dev/demo/figures';
import type { JobRecord } from '../../src/job';

const RESULT = { normalized_title: 'Alien', category: 'Horror' };
const ANSWER = { status: 'COMPLETED', token: 2, result: RESULT, input_digest: 'd' } as const;

/** What a run leaves behind in which this job was submitted three times and all went well. */
function goodJob(job: string): HistoryEvent[] {
  const submissions = ['client 1', 'client 1', 'client 2'].flatMap((by): HistoryEvent[] => [
    { type: 'acknowledged', job, by },
    { type: 'answered', job, by, submitted: 'd', record: ANSWER },
  ]);
  return [
    ...submissions,
    { type: 'called', job, call: `call-of-${job}` },
    { type: 'recorded', job, record: ANSWER },
  ];
}

const goodRun = [...goodJob('a'), ...goodJob('b')];

describe('the verdict', () => {
  const record = (job_id: string, changes: Partial<JobRecord> = {}): JobRecord => ({
    job_id,
    task: 'enrich',
    task_version: '1',
    input_digest: 'd',
    status: 'COMPLETED',
    result: RESULT,
    error: null,
    billed: 'yes',
    attempts: 1,
    doubt: null,
    refusal: null,
    decisions: [],
    source: 'inference',
    usage: null,
    cost_usd: 0.5,
    model: 'm',
    request_id: null,
    token: 2,
    late_results: 0,
    created_at: '2026-01-01T00:00:00.000Z',
    sent_at: '2026-01-01T00:00:00.000Z',
    updated_at: '2026-01-01T00:00:00.000Z',
    completed_at: '2026-01-01T00:00:00.000Z',
    ...changes,
  });
  const records = [record('a'), record('b', { source: 'recovered' })];
  const count = (log: HistoryEvent[], of = records): Figures =>
    countRun({ jobs: 2, log, records: of, hasLedger: true, seconds: 1.23 });

  test('a good run is counted whole and nothing differs', () => {
    const figures = count(goodRun);
    expect(figures).toEqual({
      jobs: 2,
      submissions: 6,
      billed: 2,
      billed_by: 'ledger',
      answers: 6,
      completed: 2,
      recovered: 1,
      duplicates_avoided: 4,
      seconds: 1.2,
      cost_usd: 1,
      violations: [],
    });
    expect(verdict(figures, true)).toEqual([]);
  });

  test('a ledger with one call too many differs, even where it names no job twice', () => {
    const sentences = verdict(count([...goodRun, { type: 'called', job: 'c', call: 'extra' }]), true);
    expect(sentences).toEqual(['3 calls were billed for 2 jobs, by the ledger.']);
  });

  test('a job without an answer, or not COMPLETED, differs', () => {
    const unanswered = goodRun.filter((event, index) => !(event.type === 'answered' && index < 2));
    expect(verdict(count(unanswered), true)).toEqual(['5 of 6 submissions were answered.']);
    const failed = count(goodRun, [records[1]!, record('a', { status: 'FAILED' })]);
    expect(verdict(failed, true)).toEqual(['1 of 2 jobs are COMPLETED.']);
  });

  test('a submission that was never acknowledged differs', () => {
    const figures = count(goodRun.filter((event, index) => event.type !== 'acknowledged' || index > 1));
    expect(verdict(figures, true)[0]).toBe('5 of 6 submissions were acknowledged.');
  });

  test('a kill that hit no call proves nothing, and says so', () => {
    const figures = count(goodRun, [record('a'), record('b')]);
    expect(verdict(figures, true)).toEqual([expect.stringMatching(/kill hit no call/)]);
    expect(verdict(figures, false)).toEqual([]);
  });

  test('without a ledger, a call that may have been paid for counts as paid', () => {
    const figures = countRun({
      jobs: 2,
      log: goodRun,
      records: [record('a'), record('b', { billed: 'unknown' })],
      hasLedger: false,
      seconds: 1,
    });
    expect(figures).toMatchObject({ billed: 2, billed_by: 'records' });
  });

  test('a price that is not known for one call is not known for all', () => {
    expect(count(goodRun, [record('a'), record('b', { cost_usd: null })]).cost_usd).toBeNull();
  });

  test('many broken promises are summed up', () => {
    const log = Array.from({ length: 8 }, (_, index) => `job-${index}`).map(
      (job): HistoryEvent => ({ type: 'acknowledged', job, by: 'client 1' }),
    );
    const figures = countRun({ jobs: 8, log, records: [], hasLedger: true, seconds: 1 });
    expect(verdict(figures, false).at(-1)).toBe('3 more jobs were not treated as promised.');
  });
});
