import { type Answer, checkHistory, type HistoryEvent } from '../../src/dev/check-history';

const RESULT = { normalized_title: 'Alien', category: 'Horror' };

const recordOf = (more: Partial<Answer> = {}): Answer => ({
  ...{ status: 'COMPLETED', token: 3, input_digest: 'A', result: RESULT },
  ...more,
});
const called = (call: string, job: string | null = 'a'): HistoryEvent => ({ type: 'called', job, call });
const allowed = (token: number): HistoryEvent => ({ type: 'allowed', job: 'a', why: 'retry', token });
const answered = (more: Partial<Answer> = {}): HistoryEvent => {
  return { type: 'answered', job: 'a', by: 'client 2', submitted: 'A', record: recordOf(more) };
};
const recorded = (more: Partial<Answer> = {}): HistoryEvent => {
  return { type: 'recorded', job: 'a', record: recordOf(more) };
};

/** What a run leaves behind in which this job was submitted three times and all went well. */
function goodJob(job: string): HistoryEvent[] {
  const submissions = ['client 1', 'client 1', 'client 2'].flatMap((by): HistoryEvent[] => [
    { type: 'acknowledged', job, by },
    { type: 'answered', job, by, submitted: 'A', record: recordOf() },
  ]);
  return [...submissions, called(`call-of-${job}`, job), { type: 'recorded', job, record: recordOf() }];
}

const good = [...goodJob('a'), ...goodJob('b')];

test('a run in which all went well breaks nothing, in whatever order it was seen', () => {
  expect(checkHistory(good)).toEqual([]);
  expect(checkHistory([...good].reverse())).toEqual([]);
});

test('a second call breaks a promise, unless somebody allowed it', () => {
  const events = [...good, called('second')];
  const sentence = 'Job a was called 2 times where 1 was allowed (call-of-a, second).';
  expect(checkHistory(events)).toEqual([{ promise: 'one call', job: 'a', sentence }]);
  expect(checkHistory([...events, allowed(2)])).toEqual([]);
});

test('of two who retry the same failure the second allows nothing', () => {
  const events = [...good, called('second'), called('third')];
  expect(checkHistory([...events, allowed(2), allowed(2)])).toMatchObject([
    { promise: 'one call', sentence: expect.stringContaining('3 times where 2 were allowed') },
  ]);
  expect(checkHistory([...events, allowed(2), allowed(5)])).toEqual([]);
});

test('a call that belongs to no job breaks a promise', () => {
  expect(checkHistory([...good, called('stray', null)])).toEqual([
    { promise: 'one call', job: null, sentence: expect.stringContaining('stray') },
  ]);
});

test('the same answer with its fields in another order is the same answer', () => {
  const result = { category: 'Horror', normalized_title: 'Alien' };
  expect(checkHistory([...good, answered({ result })])).toEqual([]);
});

test.each([
  ['another result', { result: { ...RESULT, category: 'Comedy' } }],
  ['another result, by a later record', { result: { ...RESULT, category: 'Comedy' }, token: 5 }],
  ['another status at one token', { status: 'FAILED', result: null }],
  ['an empty result', { result: null }],
] as const)('two different answers break a promise: %s', (_, different) => {
  expect(checkHistory([...good, answered(different)])).toMatchObject([{ promise: 'one answer', job: 'a' }]);
});

test('an answer that is not the record breaks a promise, though all who asked have the same', () => {
  const log = goodJob('a').filter(({ type }) => type !== 'recorded');
  expect(checkHistory([...log, recorded({ result: null })])).toMatchObject([
    { promise: 'one answer', job: 'a' },
  ]);
});

test('a failure that a later answer has settled is no second answer', () => {
  const failed = answered({ status: 'FAILED', result: null, token: 2 });
  expect(checkHistory([failed, ...good])).toEqual([]);
});

test('a result that was told and is gone breaks a promise; a forgotten one does not', () => {
  const told = [called('c1'), answered()];
  expect(checkHistory([...told, recorded({ status: 'PENDING', result: null, token: 4 })])).toEqual([
    {
      promise: 'nothing lost',
      job: 'a',
      sentence: 'Job a was COMPLETED at token 3 and is PENDING at 4.',
    },
  ]);
  expect(checkHistory([...told, answered({ status: 'IN_DOUBT', token: 2, result: null })])).toEqual([]);
  expect(checkHistory([...told, recorded({ status: 'FORGOTTEN', token: 4, result: null })])).toEqual([]);
});

test('an acknowledged job without a record breaks a promise', () => {
  const log = good.filter((event) => !(event.type === 'recorded' && event.job === 'b'));
  expect(checkHistory(log)).toEqual([
    { promise: 'nothing lost', job: 'b', sentence: 'Job b was acknowledged and has no record.' },
  ]);
});

test.each([
  ['PENDING', 1],
  ['IN_PROGRESS', 1],
  ['IN_DOUBT', 0],
  ['FAILED', 0],
  ['CANCELED', 0],
] as const)('an acknowledged job that is %s at the end breaks %i promises', (status, broken) => {
  const end = recorded({ status, result: null });
  expect(checkHistory([{ type: 'acknowledged', job: 'a', by: 'client 1' }, end])).toHaveLength(broken);
});

test("another input's answer breaks a promise", () => {
  expect(checkHistory([...good, answered({ input_digest: 'B' })])).toMatchObject([{ promise: 'own answer' }]);
});
