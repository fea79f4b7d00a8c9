import { type Policy, prospect, retryDelay } from '../../src/once/policy';
import { POLICY } from '../../src/once/rules/decide';
import { newRow } from '../../src/once/rules/row';
import type { StoredJob } from '../../src/store/store';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const SENT = 1_000_000;
const DOUBTED = SENT + 15 * SECOND;

const policy: Policy = {
  onUnknown: 'hold',
  holdForMs: null,
  holdThen: 'fail',
  callTimeoutMs: 10 * MINUTE,
  leaseMs: 15 * SECOND,
  settleMs: 2 * MINUTE,
  deadlineMs: 24 * 60 * MINUTE,
  retryAfterCapMs: 60 * MINUTE,
};
/** When no call can be answered any more. */
const FINAL = SENT + policy.callTimeoutMs + policy.settleMs;

const doubted: StoredJob = {
  ...newRow({ key: 'j', task: 't', task_version: '1', input_digest: 'd', input_json: '{}' }, SENT).row,
  status: 'IN_DOUBT',
  sent_at: SENT,
  calls: [{ call_id: 'c', generation: 1, token: 2, claimed_at: SENT, fate: 'open' }],
  doubt: { token: 3, since: DOUBTED, reason: 'test', recovering: true },
};
const rerunBefore: StoredJob = {
  ...doubted,
  decisions: [{ action: 'rerun', doubt: 2, by: POLICY, at: SENT }],
};

describe('a doubt is shown to operators after the settle time, and decided only when no answer can come', () => {
  test.each<
    [string, Partial<Policy>, StoredJob, boolean, number, ReturnType<typeof prospect>['due'], boolean]
  >([
    ['hold: asks for the settle time', {}, doubted, true, DOUBTED, null, true],
    ['hold: shown after it', {}, doubted, true, DOUBTED + 2 * MINUTE, null, false],
    ['hold: shown at once where nobody can be asked', {}, doubted, false, DOUBTED, null, false],
    ['hold: never decides by itself', {}, doubted, true, FINAL + 1e9, null, false],
    ['rerun: not while an answer can come', { onUnknown: 'rerun' }, doubted, true, FINAL - 1, null, true],
    ['rerun: then', { onUnknown: 'rerun' }, doubted, true, FINAL, 'rerun', true],
    [
      'rerun: waits as long where nobody is asked',
      { onUnknown: 'rerun' },
      doubted,
      false,
      FINAL - 1,
      null,
      true,
    ],
    ['rerun: once a job, then it holds', { onUnknown: 'rerun' }, rerunBefore, true, FINAL, null, false],
    ['fail: not while an answer can come', { onUnknown: 'fail' }, doubted, true, FINAL - 1, null, true],
    ['fail: then', { onUnknown: 'fail' }, doubted, true, FINAL, 'fail', true],
    ['an end to the hold: not before', { holdForMs: MINUTE }, doubted, true, FINAL + MINUTE - 1, null, false],
    ['an end to the hold: then', { holdForMs: MINUTE }, doubted, true, FINAL + MINUTE, 'fail', true],
  ])('%s', (_, change, row, asks, now, due, recovering) => {
    expect(prospect(row, { ...policy, ...change }, asks, 0, now)).toMatchObject({ due, recovering });
  });

  test('the next look never misses the moment when something changes', () => {
    for (const now of [DOUBTED, DOUBTED + 119 * SECOND, FINAL - 3]) {
      for (const checks of [0, 5, 30]) {
        const { checkAfterMs } = prospect(doubted, { ...policy, onUnknown: 'fail' }, true, checks, now);
        expect(now + checkAfterMs).toBeLessThanOrEqual(FINAL);
        expect(checkAfterMs).toBeGreaterThan(0);
      }
    }
  });

  test.each([
    ['once nobody else can be asked for an answer', true, FINAL],
    ['from the doubt on, where nobody can be asked', false, DOUBTED],
  ])('a held job is looked at again after 1 minute, doubling to 1 hour, %s', (_, asks, heldFrom) => {
    const waits: number[] = [];
    for (let now = heldFrom; waits.length < 9; now += waits.at(-1)! * MINUTE) {
      // however many look-ups there were before
      waits.push(prospect(doubted, policy, asks, 40 + waits.length, now).checkAfterMs / MINUTE);
    }
    expect(waits).toEqual([1, 1, 2, 4, 8, 16, 32, 60, 60]);
  });

  test('look-ups grow ever more seldom, and a hold of a day is looked at less than seventy times', () => {
    let now = DOUBTED;
    let looks = 0;
    let last = 0;
    for (; now < DOUBTED + 24 * 60 * MINUTE; looks += 1) {
      last = prospect(doubted, policy, true, looks, now).checkAfterMs;
      now += last;
    }
    expect(last).toBe(60 * MINUTE);
    expect(looks).toBeLessThan(70);
  });
});

describe('a call that was not executed is tried again when the provider wishes, within the cap', () => {
  test.each([
    ['1 s, doubling', 1, undefined, SECOND],
    ['2 s', 2, undefined, 2 * SECOND],
    ['never over a minute', 50, undefined, MINUTE],
    ['the provider says', 1, 30 * MINUTE, 30 * MINUTE],
    ['no longer than the cap', 1, 5 * 60 * MINUTE, 60 * MINUTE],
  ])('%s', (_, attempts, retryAfterMs, expected) => {
    expect(retryDelay(attempts, retryAfterMs, policy)).toBe(expected);
  });
});
