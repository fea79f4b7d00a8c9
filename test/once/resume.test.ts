import { UnreachableError } from '../../src/errors';
import { cancel, forget } from '../../src/once/rules/decide';
import type { ResultStore } from '../../src/store/store';
import { until } from '../support/until';
import { ANSWER, KEY, Scene, SEED, TEST_POLICY } from './scene';
import { SteppedClock } from './stepped-clock';

let scene: Scene;
beforeEach(() => {
  scene = new Scene();
});

test('a call that was started is polled, ever more seldom, and never started again', async () => {
  const pauses: number[] = [];
  for (scene.checks = 0; scene.checks < 7; scene.checks += 1) {
    const result = await scene.run();
    if (result.kind !== 'running') throw new Error(`it came to ${result.kind}`);
    pauses.push(result.checkAfterMs);
  }
  // the first is that of the start itself
  expect(pauses).toEqual([1_000, 2_000, 4_000, 8_000, 15_000, 15_000, 15_000]);
  scene.polled = ANSWER;
  expect(await scene.run()).toMatchObject({
    kind: 'settled',
    row: { status: 'COMPLETED', source: 'inference' },
  });
  expect(scene.starts).toBe(1);
});

test('the last pause ends at the moment when the call has to be final', async () => {
  const policy = { ...TEST_POLICY, callTimeoutMs: 2_000, settleMs: 1_000 };
  await scene.run({ policy });
  const result = await scene.run({ policy, checks: 9 });
  if (result.kind !== 'running') throw new Error(`it came to ${result.kind}`);
  expect(result.checkAfterMs).toBeLessThanOrEqual(3_000);
});

test('the id is saved once the store is back, and the call is not started again', async () => {
  const { store } = scene;
  let away = 0;
  scene.meanwhile = async () => {
    away = 2;
  };
  scene.store = Object.assign(Object.create(store) as ResultStore, {
    update: (...args: Parameters<ResultStore['update']>) => {
      if (away === 0) return store.update(...args);
      away -= 1;
      return Promise.reject(new UnreachableError('store', 'the store is away'));
    },
  });
  expect((await scene.run()).kind).toBe('running');
  expect((await scene.row()).calls).toMatchObject([{ operation: 'resp_1' }]);
  expect(scene.starts).toBe(1);
});

test('a cancel while the call is being started waits for its id, and stops it', async () => {
  scene.meanwhile = async () => scene.canceled.abort();
  expect(await scene.run()).toMatchObject({
    kind: 'settled',
    row: { status: 'CANCELED', billed: 'unknown' },
  });
  expect(scene.stopped).toEqual(['resp_1']);
});

test('but not for ever: a start that gives no id in time is aborted', async () => {
  const clock = new SteppedClock();
  scene.clock = clock;
  let aborted = false;
  scene.meanwhile = ({ signal }) =>
    new Promise<void>((done) => {
      signal.addEventListener('abort', () => {
        aborted = true;
        done();
      });
    });
  const result = scene.run();
  await clock.pass(1_000);
  scene.canceled.abort();
  await clock.pass(9_999);
  expect(aborted).toBe(false);
  await clock.pass(1);
  expect(aborted).toBe(true);
  expect(await result).toMatchObject({ kind: 'settled', row: { status: 'CANCELED', billed: 'unknown' } });
});

test('a cancel between two polls stops the call, and keeps an answer that came first', async () => {
  await scene.run();
  scene.canceled.abort();
  scene.polled = ANSWER;
  const result = await scene.run();
  expect(result).toMatchObject({ kind: 'settled', row: { status: 'CANCELED', billed: 'yes' } });
  expect(scene.stopped).toEqual(['resp_1']);
  expect((await scene.row()).calls).toMatchObject([{ late: { result: { json: '7' } } }]);
});

test('a call whose job was forgotten while it was started is stopped: nobody can ask for it any more', async () => {
  scene.meanwhile = async () => {
    const canceled = await scene.store.update(KEY, cancel(SEED));
    await scene.store.update(KEY, forget(canceled!.token));
  };
  expect(await scene.run()).toMatchObject({ kind: 'settled', row: { status: 'FORGOTTEN', calls: [] } });
  expect(scene.stopped).toEqual(['resp_1']);
});

test('a job that somebody else canceled meanwhile has its call stopped, and keeps an answer that came first', async () => {
  scene.meanwhile = () => scene.store.update(KEY, cancel(SEED));
  scene.polled = ANSWER;
  const result = await scene.run();
  expect(result).toMatchObject({ kind: 'settled', row: { status: 'CANCELED', billed: 'yes' } });
  expect(scene.stopped).toEqual(['resp_1']);
  expect((await scene.row()).calls).toMatchObject([{ late: { result: { json: '7' } } }]);
});

test('a provider that can not stop a call holds up no cancel', async () => {
  await scene.run();
  scene.canceled.abort();
  const cancelCall = () => Promise.reject(new UnreachableError('provider', 'it is away'));
  const operations = { ...scene.operations, cancel: cancelCall };
  expect(await scene.run({ operations })).toMatchObject({ kind: 'settled', row: { status: 'CANCELED' } });
});

test('a failure by the word of the provider frees the job: it is started anew, as another call', async () => {
  await scene.run();
  scene.polled = { kind: 'stated_failure', reason: 'provider_failed', message: 'it failed' };
  expect(await scene.run()).toMatchObject({ kind: 'retry', reason: 'provider_failed' });
  expect(await scene.row()).toMatchObject({ status: 'PENDING', billed: 'no', calls: [] });
  scene.started = { kind: 'started', operation: 'resp_2' };
  expect((await scene.run()).kind).toBe('running');
  expect((await scene.row()).calls).toMatchObject([{ operation: 'resp_2' }]);
  expect(scene.starts).toBe(2);
});

test('failures by the word of the provider end with the job’s deadline', async () => {
  const policy = { ...TEST_POLICY, deadlineMs: 0 };
  await scene.run({ policy });
  scene.polled = { kind: 'stated_failure', reason: 'provider_failed', message: 'it failed' };
  const result = await scene.run({ policy });
  expect(result).toMatchObject({
    kind: 'settled',
    row: { error: { code: 'retries_exhausted' }, billed: 'no' },
  });
});

test('in doubt, the word that a call was not executed ends the doubt', async () => {
  await scene.run();
  scene.polled = { kind: 'gone' };
  expect(await scene.run()).toMatchObject({ kind: 'in_doubt', row: { doubt: { recovering: true } } });
  scene.polled = { kind: 'stated_failure', reason: 'provider_failed', message: 'it failed' };
  scene.started = ANSWER;
  expect(await scene.run()).toMatchObject({ kind: 'settled', row: { status: 'COMPLETED', attempts: 2 } });
});

test('the policy fail gives a call up that is not final in time, and stops it', async () => {
  const policy = { ...TEST_POLICY, onUnknown: 'fail' as const, callTimeoutMs: 0, settleMs: 0 };
  await scene.run({ policy });
  // a look-up counts from when it began: one in the very millisecond of the send is asked once more
  const result = await until('the policy counts', async () => {
    const ended = await scene.run({ policy });
    return ended.kind === 'settled' && ended;
  });
  expect(result).toMatchObject({
    row: { error: { code: 'outcome_unknown' }, billed: 'unknown' },
  });
  expect(scene.stopped).toEqual(['resp_1']);
});

test('a worker that knows neither task nor provider leaves a running call alone until its time is over', async () => {
  await scene.run();
  expect(await scene.run({ operations: null })).toMatchObject({
    kind: 'running',
    row: { status: 'IN_PROGRESS' },
  });
});
