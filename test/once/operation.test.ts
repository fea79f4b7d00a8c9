import type { Outcome } from '../../src/once/outcome';
import { claim, expire, inspect, renew } from '../../src/once/rules/claim';
import { cancel, decide } from '../../src/once/rules/decide';
import { resumable, saveOperation } from '../../src/once/rules/operation';
import { complete, doubt, failAnswered, release } from '../../src/once/rules/settle';
import type { Decide, StoredJob } from '../../src/store/store';

const SEED = { key: 'a', task: 'enrich', task_version: '1', input_digest: 'd', input_json: '{}' };
const LEASE_MS = 1_000;

/** Applies a rule to a row and gives the row after it. */
function apply<T>(row: StoredJob | null, rule: Decide<T>, now: number): { row: StoredJob; returns: T } {
  const { job, returns } = rule(row, now);
  return { row: job ?? row!, returns };
}

/** A job whose call was claimed at 100, and that claim. */
function claimedJob(call_id = 'c1') {
  const { row } = apply(null, claim({ seed: SEED, permit: undefined, call_id, lease_ms: LEASE_MS }), 100);
  return { row, claimed: { call_id, token: row.token, input_digest: 'd' } };
}

/** A job whose call runs at the provider. */
function runningJob() {
  const { row, claimed } = claimedJob();
  return { claimed, ...apply(row, saveOperation(claimed, 'resp_1'), 200) };
}

const ANSWER: Extract<Outcome, { kind: 'answered' }> = {
  kind: 'answered',
  result: 1,
  usage: null,
  cost_usd: null,
  model: null,
  request_id: 'resp_1',
};

test("the owner's id is kept, the lease is dropped, and neither status nor token moves", () => {
  const { row: before, claimed } = claimedJob();
  const { row, returns } = apply(before, saveOperation(claimed, 'resp_1'), 200);
  expect(returns.fate).toBe('won');
  expect(row).toEqual({
    ...before,
    lease_until: null,
    updated_at: 200,
    calls: [{ ...before.calls[0], operation: 'resp_1' }],
  });
});

test('whoever claims next is told to resume, however much later: nothing expires', () => {
  const { row } = runningJob();
  for (const now of [200, 100 + LEASE_MS, 10 ** 9]) {
    expect(inspect(row, 'd', undefined, now)).toEqual({
      kind: 'resume',
      row,
      call: row.calls[0],
      age_ms: now - 100,
    });
    expect(expire()(row, now).job).toBeUndefined();
  }
  expect(
    apply(row, claim({ seed: SEED, permit: undefined, call_id: 'c2', lease_ms: LEASE_MS }), 10 ** 9).row,
  ).toBe(row);
});

test('a renewal that was under way brings no lease back', () => {
  const { row, claimed } = runningJob();
  const { job, returns } = renew(claimed, LEASE_MS)(row, 300);
  expect({ job, returns }).toEqual({ job: undefined, returns: true });
});

test('another input is still a mismatch', () => {
  expect(inspect(runningJob().row, 'other', undefined, 300).kind).toBe('mismatch');
});

test('the answer of a running call is its owner’s, whoever fetched it', () => {
  const { row, claimed } = runningJob();
  expect(apply(row, complete(claimed, ANSWER), 300).row).toMatchObject({
    status: 'COMPLETED',
    source: 'inference',
    billed: 'yes',
  });
  const bad = {
    ...ANSWER,
    kind: 'bad_answer' as const,
    raw: 'x',
    error: { code: 'refused' as const, message: 'm' },
  };
  expect(apply(row, failAnswered(claimed, bad), 300).row).toMatchObject({ status: 'FAILED', billed: 'yes' });
});

test('in doubt the id is kept, and the answer heals it', () => {
  const { row, claimed } = runningJob();
  const doubted = apply(row, doubt(claimed, 'gone'), 300).row;
  expect(doubted).toMatchObject({ status: 'IN_DOUBT', calls: [{ operation: 'resp_1', fate: 'open' }] });
  const healed = apply(doubted, complete({ ...claimed, token: doubted.token }, ANSWER, 'recovered'), 400).row;
  expect(healed).toMatchObject({ status: 'COMPLETED', source: 'recovered' });
});

test('an id that comes to a doubt is evidence: kept where its call is open, and the doubt keeps its name', () => {
  const { row, claimed } = claimedJob();
  const doubted = apply(row, expire(), 100 + LEASE_MS).row;
  const { row: known, returns } = apply(doubted, saveOperation(claimed, 'resp_1'), 2_000);
  expect(returns.fate).toBe('kept');
  expect(known).toEqual({
    ...doubted,
    updated_at: 2_000,
    calls: [{ ...doubted.calls[0], operation: 'resp_1' }],
  });
});

test('beside a second claim it changes nothing of that one, nor of its lease', () => {
  const { row, claimed } = claimedJob();
  const doubted = apply(row, expire(), 100 + LEASE_MS).row;
  const pending = apply(doubted, decide({ action: 'rerun', doubt: doubted.token, by: 'ann' }), 2_000).row;
  const second = apply(
    pending,
    claim({ seed: SEED, permit: undefined, call_id: 'c2', lease_ms: LEASE_MS }),
    2_100,
  ).row;
  const { row: known } = apply(second, saveOperation(claimed, 'resp_1'), 2_200);
  expect(known).toMatchObject({
    token: second.token,
    lease_until: second.lease_until,
    status: 'IN_PROGRESS',
  });
  expect(resumable(known)).toBeNull();
  expect(inspect(known, 'd', undefined, 2_200).kind).toBe('busy');
  expect(inspect(known, 'd', undefined, 10_000).kind).toBe('expired');
});

test('on a canceled job it is kept, to be stopped and forgotten there; the record stays canceled', () => {
  const { row, claimed } = claimedJob();
  const canceled = apply(row, cancel(SEED), 200).row;
  const { row: known } = apply(canceled, saveOperation(claimed, 'resp_1'), 300);
  expect(known).toEqual({
    ...canceled,
    updated_at: 300,
    calls: [{ ...canceled.calls[0], operation: 'resp_1' }],
  });
});

test('of a call that is known not to have been executed, or of no job at all, no id is kept', () => {
  const { row, claimed } = claimedJob();
  const released = apply(row, release(claimed), 200).row;
  for (const before of [released, null]) {
    const change = saveOperation(claimed, 'resp_1')(before, 300);
    expect(change).toEqual({ returns: { row: before, fate: 'dropped' } });
  }
});
