import { EncryptionKeyMissingError, UnreachableError } from '../../src/errors';
import type { FoundAnswer, Outcome } from '../../src/once/outcome';
import { claim, expire } from '../../src/once/rules/claim';
import { cancel, decide } from '../../src/once/rules/decide';
import { submit } from '../../src/once/rules/submit';
import { openMemoryStore } from '../../src/store/memory';
import type { ResultStore } from '../../src/store/store';
import { until } from '../support/until';
import { ANSWER, KEY, Scene, SEED, TEST_POLICY } from './scene';
import { SteppedClock } from './stepped-clock';

const UNKNOWN: Outcome = { kind: 'unknown', reason: 'reset' };
const FAILED: Outcome = { kind: 'stated_failure', reason: 'provider_failed', message: '500' };
const BAD: FoundAnswer['outcome'] = {
  ...{ ...ANSWER, kind: 'bad_answer', raw: 'x' },
  error: { code: 'truncated', message: 'it was cut off' },
};

let scene: Scene;
beforeEach(() => {
  scene = new Scene();
});

/** Leaves the job in doubt about so many calls, each of which a person had run again. */
async function doubtCalls(count: number): Promise<string[]> {
  for (let n = 1; ; n += 1) {
    await scene.runSent(UNKNOWN);
    const { doubt, calls } = await scene.row();
    if (n === count) return calls.map((call) => call.call_id);
    await scene.store.update(KEY, decide({ action: 'rerun', doubt: doubt!.token, by: 'ann' }));
  }
}

/** The provider shows these answers, in this order. */
const found = (...answers: FoundAnswer[]) => ({
  lookUp: async ({ callIds }: { callIds: string[] }) =>
    answers.filter(({ call_id }) => callIds.includes(call_id)),
});

describe('before the request is written', () => {
  test('a job that is canceled between its claim and its request is not sent: CANCELED, billed no', async () => {
    scene.afterWrite(
      (_, after) => after.status === 'IN_PROGRESS',
      () => scene.canceled.abort(),
    );
    const result = await scene.runSent(ANSWER);
    expect(result).toMatchObject({ kind: 'settled', row: { status: 'CANCELED', billed: 'no', calls: [] } });
    expect(scene.starts).toBe(0);
  });

  test('nor is one whose lease had to be renewed first, and that was canceled meanwhile', async () => {
    const clock = new SteppedClock();
    scene.clock = clock;
    scene.store = openMemoryStore({ now: clock.wall });
    // the claim is answered only after its lease is over
    scene.afterWrite(
      (before, after) => before?.status !== 'IN_PROGRESS' && after.status === 'IN_PROGRESS',
      () => clock.pass(TEST_POLICY.leaseMs),
    );
    scene.afterWrite(
      (before, after) => before?.status === 'IN_PROGRESS' && after.status === 'IN_PROGRESS',
      () => scene.canceled.abort(),
    );
    const result = await scene.runSent(ANSWER);
    expect(result).toMatchObject({ kind: 'settled', row: { status: 'CANCELED', billed: 'no' } });
    expect(scene.starts).toBe(0);
  });

  test('a claim whose reply was lost is known as its own when it is asked again: the call is sent, and nothing is in doubt', async () => {
    scene.afterWrite(
      (before, after) => before?.status !== 'IN_PROGRESS' && after.status === 'IN_PROGRESS',
      () => Promise.reject(new UnreachableError('store', 'The reply is lost.')),
    );
    const result = await scene.runSent(ANSWER);
    expect(result).toMatchObject({
      kind: 'settled',
      row: { status: 'COMPLETED', source: 'inference', attempts: 1 },
    });
    expect(scene.starts).toBe(1);
    expect(scene.events).toEqual(['store_away', 'claimed', 'sent', 'completed']);
  });

  test('a claim whose reply was lost until its lease was over is given back unsent, and the job called', async () => {
    const clock = new SteppedClock();
    scene.clock = clock;
    scene.store = openMemoryStore({ now: clock.wall });
    let claims = 0;
    scene.afterWrite(
      (before, after) => before?.status !== 'IN_PROGRESS' && after.status === 'IN_PROGRESS',
      async () => {
        claims += 1;
        if (claims > 1) return;
        clock.pass(TEST_POLICY.leaseMs);
        await scene.store.update(KEY, expire());
        throw new UnreachableError('store', 'The reply is lost.');
      },
    );
    const result = await scene.runSent(ANSWER);
    expect(result).toMatchObject({ kind: 'settled', row: { status: 'COMPLETED', source: 'inference' } });
    expect((await scene.row()).calls).toHaveLength(1);
    expect(scene.starts).toBe(1);
  });

  test('a key that is still on its way to this machine costs no answer', async () => {
    let isMissing = true;
    scene.meanwhile = async () => {
      const { update } = scene.store;
      scene.store.update = (key, decide) => {
        if (!isMissing) return update.call(scene.store, key, decide) as never;
        isMissing = false;
        return Promise.reject(new EncryptionKeyMissingError(`Job ${KEY}`, 'k2', null));
      };
    };
    const result = await scene.runSent(ANSWER);
    expect(result).toMatchObject({ kind: 'settled', row: { status: 'COMPLETED', source: 'inference' } });
    expect(scene.starts).toBe(1);
  });

  test('a worker that has to end between its claim and its request gives the job back unsent', async () => {
    scene.afterWrite(
      (_, after) => after.status === 'IN_PROGRESS',
      () => scene.shutdown.abort(),
    );
    expect((await scene.runSent(ANSWER)).kind).toBe('retry');
    expect(await scene.row()).toMatchObject({ status: 'PENDING', billed: 'no', calls: [] });
    expect(scene.starts).toBe(0);
  });

  test('the cancel of a run with another input leaves the job that it missed alone, and tells nothing of it', async () => {
    await scene.store.update(KEY, submit({ ...SEED, input_digest: 'another' }));
    const before = await scene.row();
    scene.canceled.abort();
    expect((await scene.runSent(ANSWER)).kind).toBe('mismatch');
    expect(await scene.row()).toEqual(before);
  });
});

describe('while a call is under way', () => {
  test('a live worker keeps its lease, however long: who comes second is told that it is busy, and no doubt arises', async () => {
    const clock = new SteppedClock();
    scene.clock = clock;
    scene.store = openMemoryStore({ now: clock.wall });
    let answer = () => {};
    scene.meanwhile = () =>
      new Promise<void>((done) => {
        answer = done;
      });
    const first = scene.runSent(ANSWER);
    for (let passed = 0; passed < 3 * TEST_POLICY.leaseMs; passed += TEST_POLICY.leaseMs / 2) {
      await clock.pass(TEST_POLICY.leaseMs / 2);
      expect(await scene.runSent(ANSWER)).toMatchObject({ kind: 'retry', reason: 'busy' });
    }
    answer();
    const row = { status: 'COMPLETED', source: 'inference', attempts: 1 };
    expect(await first).toMatchObject({ kind: 'settled', row });
    expect(scene.events).not.toContain('in_doubt');
    expect(scene.starts).toBe(1);
  });

  test('a claim that was slow to be written is renewed at once: its lease began when it was written', async () => {
    const clock = new SteppedClock();
    scene.clock = clock;
    scene.store = openMemoryStore({ now: clock.wall });
    scene.afterWrite(
      (before, after) => before?.status !== 'IN_PROGRESS' && after.status === 'IN_PROGRESS',
      () => clock.pass(0.9 * TEST_POLICY.leaseMs),
    );
    let answer = () => {};
    scene.meanwhile = () =>
      new Promise<void>((done) => {
        answer = done;
      });
    const first = scene.runSent(ANSWER);
    await until('it is sent', () => scene.starts === 1);
    await clock.pass(0.2 * TEST_POLICY.leaseMs);
    expect(await scene.runSent(ANSWER)).toMatchObject({ kind: 'retry', reason: 'busy' });
    answer();
    expect(await first).toMatchObject({ kind: 'settled', row: { status: 'COMPLETED', source: 'inference' } });
    expect(scene.starts).toBe(1);
  });
});

describe('a renewal that is answered only when the call is over', () => {
  let letGo: () => void;
  /** Sends the call; its renewals wait for `letGo`. */
  let run: (outcome: Outcome, passed: number, meanwhile?: () => unknown) => Promise<unknown>;
  beforeEach(() => {
    const clock = new SteppedClock();
    scene.clock = clock;
    scene.store = openMemoryStore({ now: clock.wall });
    const gone = new Promise<void>((done) => {
      letGo = done;
    });
    scene.afterWrite((_, { status }) => status === 'COMPLETED', letGo);
    const { store } = scene;
    let isInCall = false;
    scene.store = Object.assign(Object.create(store) as ResultStore, {
      async update(...asked: Parameters<ResultStore['update']>) {
        if (isInCall) await gone;
        return store.update(...asked);
      },
    });
    run = async (outcome, passed, meanwhile) => {
      scene.meanwhile = async () => {
        isInCall = true;
        await clock.pass(passed);
        isInCall = false;
        await meanwhile?.();
      };
      await scene.runSent(outcome);
      letGo();
      await clock.pass(0);
    };
  });

  test('and finds it answered, is no lost lease', async () => {
    await run(ANSWER, TEST_POLICY.leaseMs / 2);
    expect(scene.events).toEqual(['claimed', 'sent', 'completed']);
  });

  test('and finds the lease lost to another, is told where what the call came to tells nothing of it', async () => {
    await run(UNKNOWN, 1.2 * TEST_POLICY.leaseMs, () => scene.store.update(KEY, expire()));
    expect(new Set(scene.events)).toEqual(new Set(['claimed', 'sent', 'lease_lost']));
  });
});

describe('an answer whose first save was made, and whose reply was lost', () => {
  test.each<[string, Outcome, string, object]>([
    ['is told as completed', ANSWER, 'completed', { status: 'COMPLETED', source: 'inference' }],
    ['is told as failed where it can’t be used', BAD, 'failed', { status: 'FAILED', billed: 'yes' }],
  ])('%s, not as late', async (_, outcome, event, row) => {
    let isLost = false;
    scene.afterWrite(
      (_, after) => after.status === row['status' as never] && !isLost,
      () => {
        isLost = true;
        throw new UnreachableError('store', 'The reply is lost.');
      },
    );
    expect(await scene.runSent(outcome)).toMatchObject({ kind: 'settled', row });
    expect(scene.events).toEqual(['claimed', 'sent', 'store_away', event]);
  });

  test('is told as late where it came beside the job’s end', async () => {
    scene.meanwhile = () => scene.store.update(KEY, cancel(SEED));
    await scene.runSent(BAD);
    expect(scene.events).toEqual(['claimed', 'sent', 'late']);
  });
});

describe('a provider that says that it failed itself', () => {
  test('is asked once whether it answered all the same: that answer is the job’s', async () => {
    const result = await scene.runSent(FAILED, found({ call_id: 'call-0', outcome: ANSWER }));
    const row = { status: 'COMPLETED', source: 'recovered', billed: 'yes' };
    expect(result).toMatchObject({ kind: 'settled', row });
  });

  test('and where it has none the job is tried again', async () => {
    const result = await scene.runSent(FAILED, found());
    expect(result).toMatchObject({ kind: 'retry', reason: 'provider_failed' });
    expect(await scene.row()).toMatchObject({ status: 'PENDING', billed: 'no' });
  });
});

describe('in doubt', () => {
  test('a new doubt is no operator’s yet: waiters go on waiting while the provider is asked', async () => {
    const seen: unknown[] = [];
    const lookUp = async () => {
      seen.push((await scene.row()).doubt?.recovering);
      return [];
    };
    await scene.runSent(UNKNOWN, { lookUp });
    expect(seen).toEqual([true]);
  });

  test('nor is one about a worker that is gone', async () => {
    let ahead = 0;
    scene.store = openMemoryStore({ now: () => Date.now() + ahead });
    await scene.store.update(KEY, claim({ seed: SEED, permit: undefined, call_id: 'dead', lease_ms: 1 }));
    ahead = 1;
    const seen: unknown[] = [];
    const lookUp = async () => {
      seen.push((await scene.row()).doubt?.recovering);
      return [];
    };
    await scene.runSent(UNKNOWN, { lookUp });
    expect(seen).toEqual([true]);
  });

  test('a process that has to end leaves the doubt, and the provider, to the next worker', async () => {
    scene.meanwhile = async () => scene.shutdown.abort();
    const lookUp = jest.fn(async () => []);
    expect(await scene.runSent(UNKNOWN, { lookUp })).toMatchObject({ kind: 'in_doubt', checkAfterMs: 1 });
    expect(lookUp).not.toHaveBeenCalled();
  });

  test('of several answers the oldest valid one is the result, and the others are kept beside it', async () => {
    const [first, second, third] = await doubtCalls(3);
    const outcome = (result: number) => ({ ...ANSWER, result });
    const result = await scene.runSent(
      UNKNOWN,
      found(
        { call_id: first!, outcome: BAD },
        { call_id: second!, outcome: outcome(2) },
        { call_id: third!, outcome: outcome(3) },
      ),
    );
    const row = { status: 'COMPLETED', source: 'recovered', result: { json: '2' } };
    expect(result).toMatchObject({ kind: 'settled', row });
    expect((await scene.row()).calls).toMatchObject([
      { fate: 'executed', raw: { json: '"x"' } },
      { fate: 'executed' },
      { fate: 'executed', late: { result: { json: '3' } } },
    ]);
  });

  test('a bad answer fails the job only where no valid one is there, not even to a call from before a retry', async () => {
    const [first] = await doubtCalls(1);
    const { token: doubt } = await scene.row();
    await scene.store.update(KEY, decide({ action: 'abandon', doubt, by: 'ann' }));
    const permit = { token: (await scene.row()).token, paid: true as const };
    await scene.runSent(UNKNOWN, { permit });
    const [, second] = (await scene.row()).calls;
    const answers = found({ call_id: second!.call_id, outcome: BAD }, { call_id: first!, outcome: ANSWER });
    const row = { status: 'COMPLETED', source: 'recovered', generation: 2 };
    expect(await scene.runSent(UNKNOWN, { permit, ...answers })).toMatchObject({ kind: 'settled', row });
  });
});
