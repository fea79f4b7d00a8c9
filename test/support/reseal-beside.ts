import { randomBytes } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { encryptionKeysOf } from '../../src/encryption/keys';
import { resealRows } from '../../src/store/reseal';
import { sealedStore } from '../../src/store/sealed';
import type { ResultStore } from '../../src/store/store';
import { ANSWER, KEY, Scene, SEED, TEST_POLICY } from '../once/scene';
import { until } from './until';

const LARGE = JSON.stringify('x'.repeat(100_000));

/** Runs a job, with texts beside its row, while every record is sealed anew without end. */
export async function expectResealBesideJob(backend: ResultStore): Promise<void> {
  const keys = { k1: randomBytes(32), k2: randomBytes(32) };
  const digestKey = randomBytes(32);
  // a worker that has the new key, and has not been told yet to seal with it
  const [old, next] = ['k1', 'k2'].map((current) => encryptionKeysOf({ current, keys, digestKey }));
  const store = sealedStore(backend, old!);
  const scene = new Scene();
  scene.store = store;
  let leases = 0;
  scene.afterWrite(
    (before, after) => after.lease_until !== null && before?.lease_until !== after.lease_until,
    () => {
      leases += 1;
    },
  );

  let isOver = false;
  let isHeld = false;
  let isWaiting = false;
  let letGo = () => {};
  const settled = new Promise<void>((done) => {
    letGo = done;
  });
  const update: ResultStore['update'] = async (key, decide) => {
    isWaiting = isHeld;
    if (isHeld) await settled;
    return backend.update(key, decide);
  };
  const slow = Object.assign(Object.create(backend) as ResultStore, { update });
  let resealed = 0;
  const resealing = (async () => {
    for (let passes = 0; !isOver; passes += 1) {
      // a store in memory leaves nobody else a turn
      await nextTurn();
      // each pass has everything to do
      for await (const step of resealRows(slow, passes % 2 ? old! : next!)) {
        expect(step.left).toBe(0);
        resealed += step.resealed;
      }
    }
  })();
  scene.meanwhile = async () => {
    // a pass over large rows takes moto's server seconds, and longer beside other work
    await until('claimed, renewed and sealed anew', () => leases > 3 && resealed > 3, 120_000);
    // and one that has looked in mid-call writes only after the job's end
    isHeld = true;
    await until('it is about to write', () => isWaiting);
  };
  try {
    const result = await scene.runSent(
      { ...ANSWER, result: JSON.parse(LARGE) },
      { seed: { ...SEED, input_json: LARGE }, policy: { ...TEST_POLICY, leaseMs: 300 } },
    );
    const row = { status: 'COMPLETED', source: 'inference', attempts: 1, billed: 'yes' };
    expect(result).toMatchObject({ kind: 'settled', row });
    isHeld = false;
    letGo();
    const sealedBefore = resealed;
    await until('the answer is sealed anew, too', () => resealed > sealedBefore + 1);
  } finally {
    isOver = true;
    letGo();
    await resealing;
  }
  expect(scene.events).toEqual(['claimed', 'sent', 'completed']);
  expect(scene.starts).toBe(1);
  const { status, calls, input, result } = (await store.read(KEY)).job!;
  expect(status).toBe('COMPLETED');
  expect(calls).toHaveLength(1);
  for (const payload of [input, result]) {
    expect(await store.readBlob(KEY, (payload as { blob: string }).blob)).toBe(LARGE);
  }
}
