import { type Answer, checkHistory, type HistoryEvent } from './check-history';

const called = (call_id: string): HistoryEvent => ({ type: 'called', job: 'film-1', call_id });
const answered = (result: unknown, more: Partial<Answer> = {}): HistoryEvent => {
  const record = { status: 'COMPLETED' as const, token: 3, input_digest: 'A', result, ...more };
  return { type: 'answered', job: 'film-1', submitted: 'A', record };
};

test('one call and one result for every caller keep the promises', () => {
  const events = [called('c1'), answered({ x: 1 }), answered({ x: 1 })];
  expect(checkHistory(events)).toEqual([]);
});

test('a second call is a broken promise, unless somebody allowed it', () => {
  const events = [called('c1'), called('c2')];
  expect(checkHistory(events)).toEqual(['job film-1: 2 calls may have been paid for, 1 allowed (c1, c2)']);
  expect(checkHistory([...events, { type: 'allowed', job: 'film-1', why: 'retry' }])).toEqual([]);
});

test('two results are a broken promise', () => {
  const events = [called('c1'), answered(1), answered(2)];
  expect(checkHistory(events)).toEqual(['job film-1: two results were given: 1 and 2']);
});

test('a result that was acknowledged and is gone is a broken promise; a forgotten one is not', () => {
  const gone = answered(null, { status: 'PENDING', token: 4 });
  expect(checkHistory([answered(1), gone])).toEqual([
    'job film-1: it was COMPLETED at token 3 and is PENDING at 4',
  ]);
  const older = answered(null, { status: 'IN_DOUBT', token: 2 });
  const forgotten = answered(null, { status: 'FORGOTTEN', token: 4 });
  expect(checkHistory([answered(1), older, forgotten])).toEqual([]);
});

test('the answer to another input is a broken promise', () => {
  expect(checkHistory([answered(1, { input_digest: 'B' })])).toEqual([
    'job film-1: whoever submitted A was given the answer to B',
  ]);
});
