import type { JobRecord } from '../../src/job';
import { toRecord } from '../../src/once/record';
import { claim, expire, refuseInput, renew } from '../../src/once/rules/claim';
import { applyPolicy, cancel, decide, forget, setRecovering } from '../../src/once/rules/decide';
import { restore } from '../../src/once/rules/restore';
import { type Claimed, complete, doubt, failAnswered, reject, release } from '../../src/once/rules/settle';
import { submit } from '../../src/once/rules/submit';
import { openMemoryStore } from '../../src/store/memory';
import type { Decide, ResultStore, StoredJob } from '../../src/store/store';
import { ANSWER, KEY, SEED } from './scene';

let store: ResultStore;
beforeEach(() => {
  store = openMemoryStore();
});

const run = <T>(rule: Decide<T>): Promise<T> => store.update(KEY, rule);
const row = async (): Promise<StoredJob> => (await store.read(KEY)).job!;

async function claimed(call_id: string, paidAt?: number): Promise<Claimed> {
  const permit = paidAt === undefined ? undefined : ({ token: paidAt, paid: true } as const);
  const won = await run(claim({ seed: SEED, permit, call_id, lease_ms: 15_000 }));
  if (won.kind !== 'claimed') throw new Error(`not claimed but ${won.kind}`);
  return { call_id, token: won.token, input_digest: SEED.input_digest };
}

/** A claim whose outcome nobody knows; gives the doubt's token. */
async function doubted(call_id: string): Promise<number> {
  return (await run(doubt(await claimed(call_id), 'reset'))).row!.token;
}

/** The rule changes nothing of the row. */
async function leavesAlone(rule: Decide<unknown>): Promise<void> {
  const before = await row();
  await run(rule);
  expect(await row()).toEqual(before);
}

test('what was paid for stays so, whatever is learned of another call', async () => {
  const first = await claimed('c1');
  await run(release(first));
  const second = await claimed('c2');
  // its provider said "not executed", then showed an answer to a look-up that was under way
  await run(complete(first, ANSWER, 'recovered'));
  expect(await row()).toMatchObject({ status: 'COMPLETED', billed: 'yes', calls: [{ call_id: 'c2' }] });
  await run(release(second));
  expect(await row()).toMatchObject({ status: 'COMPLETED', billed: 'yes', calls: [] });
});

test('`billed` speaks of the calls since the last retry, and a late answer to one before it changes nothing of that', async () => {
  const before = await claimed('c1');
  const { token } = (await run(cancel(SEED)))!;
  await run(reject(await claimed('c2', token), '400'));
  expect(await row()).toMatchObject({ status: 'FAILED', generation: 2, billed: 'no' });
  await run(complete(before, ANSWER));
  expect(await row()).toMatchObject({
    status: 'FAILED',
    billed: 'no',
    calls: [{ late: { result: { json: '7' } } }],
  });
});

test('an input that is refused after a rerun un-bills nothing', async () => {
  await run(decide({ action: 'rerun', doubt: await doubted('c1'), by: 'ann' }));
  await run(refuseInput(SEED, undefined, 'it does not fit'));
  expect(await row()).toMatchObject({
    status: 'FAILED',
    error: { code: 'invalid_input' },
    billed: 'unknown',
  });
});

test('a bad answer beside a call that was not executed is the job’s answer: it is not run again', async () => {
  const first = await claimed('c1');
  await run(doubt(first, 'reset'));
  await run(decide({ action: 'rerun', doubt: (await row()).token, by: 'ann' }));
  const second = await claimed('c2');
  await run(doubt(second, 'reset'));
  const error = { code: 'truncated', message: 'it was cut off' } as const;
  await run(failAnswered(first, { ...ANSWER, kind: 'bad_answer', raw: 'x', error }));
  expect(await row()).toMatchObject({ status: 'IN_DOUBT', billed: 'yes' });
  await run(release(second));
  expect(await row()).toMatchObject({ status: 'FAILED', billed: 'yes' });
});

test('whoever looked at an older doubt does not show the present one to operators', async () => {
  const seen = await doubted('c1');
  await run(decide({ action: 'rerun', doubt: seen, by: 'ann' }));
  await doubted('c2');
  await leavesAlone(setRecovering(seen, false));
});

test('the policy decides the doubt that it looked at and no later one', async () => {
  const seen = await doubted('c1');
  await run(decide({ action: 'rerun', doubt: seen, by: 'ann' }));
  await doubted('c2');
  await leavesAlone(applyPolicy('fail', seen));
  await leavesAlone(applyPolicy('rerun', seen));
});

test('the policy runs a job again once, however many workers think that it is due', async () => {
  expect(await run(applyPolicy('rerun', await doubted('c1')))).toMatchObject({ status: 'PENDING' });
  await leavesAlone(applyPolicy('rerun', await doubted('c2')));
});

test('a lease that has time is no doubt, whoever looks', async () => {
  await claimed('c1');
  await leavesAlone(expire());
});

test('a claim that was lost renews no lease', async () => {
  const lost = await claimed('c1');
  await run(doubt(lost, 'reset'));
  await run(decide({ action: 'rerun', doubt: (await row()).token, by: 'ann' }));
  await claimed('c2');
  await leavesAlone(renew(lost, 60_000));
  expect(await run(renew(lost, 60_000))).toBe(false);
});

test('a claim that the store has lost owns nothing of the one that was given its token', async () => {
  const lost = await claimed('c1');
  store = openMemoryStore();
  const { token } = await claimed('c2');
  expect(token).toBe(lost.token);
  await leavesAlone(renew(lost, 60_000));
  expect(await run(renew(lost, 60_000))).toBe(false);
  await leavesAlone(doubt(lost, 'reset'));
  await leavesAlone(release(lost));
});

test('a late answer to another input is none, also where the row was lost and made anew', async () => {
  const lost = await claimed('c1');
  store = openMemoryStore();
  await run(submit({ ...SEED, input_digest: 'another' }));
  await leavesAlone(complete(lost, ANSWER));
});

test('an input that is refused settles no job that another has claimed meanwhile', async () => {
  await claimed('c1');
  await leavesAlone(refuseInput(SEED, undefined, 'it does not fit'));
});

test('a run with another input cancels nobody’s job, at whatever it is', async () => {
  const stranger = cancel({ ...SEED, input_digest: 'another' });
  await run(submit(SEED));
  await leavesAlone(stranger);
  const claim = await claimed('c1');
  await leavesAlone(stranger);
  await run(doubt(claim, 'reset'));
  await leavesAlone(stranger);
  await run(decide({ action: 'abandon', doubt: (await row()).token, by: 'ann' }));
  await leavesAlone(stranger);
});

test('forget erases the record that was looked at, and none that was opened again since', async () => {
  const { token } = (await run(cancel(SEED)))!;
  await run(complete(await claimed('c1', token), ANSWER));
  await leavesAlone(forget(token));
  expect(await run(forget((await row()).token))).toMatchObject({ status: 'FORGOTTEN' });
});

describe('a result that only Temporal has', () => {
  let lost: JobRecord;
  beforeEach(async () => {
    await run(complete(await claimed('before'), ANSWER));
    // a row that is made anew is younger
    lost = { ...toRecord(await row()), created_at: new Date(0).toISOString() };
    store = openMemoryStore();
    await run(submit(SEED));
  });

  test('is taken over by a row that nobody has claimed', async () => {
    expect(await run(restore(lost))).toMatchObject({ status: 'COMPLETED', billed: 'yes' });
  });

  test('is taken over by a row that went back to before it', async () => {
    store = openMemoryStore();
    const call = await claimed('c1');
    const before = await row();
    await run(complete(call, ANSWER));
    const told = toRecord(await row());
    for (const older of [before, { ...before, status: 'IN_DOUBT' as const }]) {
      await run(() => ({ returns: 0, job: older }));
      const restored = await run(restore(told));
      expect(toRecord(restored!)).toMatchObject({ status: 'COMPLETED', billed: 'yes', token: told.token });
    }
    await leavesAlone(restore({ ...told, token: told.token + 5 }));
  });

  test('replaces nothing once the job was claimed, also where that call was not executed', async () => {
    const claim = await claimed('c1');
    await leavesAlone(restore(lost));
    await run(release(claim));
    expect(await row()).toMatchObject({ status: 'PENDING', attempts: 1 });
    await leavesAlone(restore(lost));
  });
});
